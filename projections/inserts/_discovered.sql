SELECT happened_at, log_partition, log_offset, unnest(video), _number(video.video_id) AS _video_number
FROM (SELECT *, _video(body) AS video FROM incoming)
