CREATE OR REPLACE VIEW channels AS
SELECT
  channel_id,
  arg_max(handle, log_offset) FILTER (type = 'ChannelFollowed') AS handle,
  arg_max(title, log_offset) FILTER (type = 'ChannelFollowed') AS channel_title,
  arg_max_null(since, log_offset) FILTER (type = 'ChannelFollowed') AS since,
  arg_max(type, log_offset) = 'ChannelFollowed' AS following,
  max(happened_at) FILTER (type = 'ChannelFollowed') AS followed_at,
  max(happened_at) FILTER (type = 'ChannelUnfollowed') AS unfollowed_at
FROM _channel_events
GROUP BY channel_id;
COMMENT ON VIEW channels IS 'channels that are or were followed';

CREATE OR REPLACE VIEW replays AS
SELECT s.* EXCLUDE (happened_at, log_partition, log_offset), s.happened_at AS started_at, c.happened_at AS cancelled_at
FROM _replays_started s
LEFT JOIN _replays_cancelled c USING (replay_id);
COMMENT ON VIEW replays IS 'replays of history under another prompt, as they were started';
