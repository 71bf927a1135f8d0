SELECT happened_at, log_partition, log_offset, unnest(json_transform(body, '{"replay_id": "UUID"}'))
FROM incoming WHERE type = 'ReplayCancelled'
