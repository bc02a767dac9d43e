-- Note what arrived of one device, and answer with its watermark. Idempotent but for counters.
-- KEYS: 1 the device's hash. ARGV: 1 = msgpack {last_at, last_received_at, topic, ttl_s,
--   counters {name -> n}, boots {text of boot -> {numbers, oldest or -1}}}.
-- Numbers below `oldest` that never arrived are declared gone: the watermark passes them.
-- Returns {boot, watermark} pairs of the boots named; -1 where the start is still missing.
-- include ranges
local note = cmsgpack.unpack(ARGV[1])
local key = KEYS[1]
local answer = {}
local function later(field, value)
  local known = tonumber(redis.call("HGET", key, field) or "-1")
  if value > known then redis.call("HSET", key, field, string.format("%.0f", value)) end
end
later("last_at", note[1])
later("last_received_at", note[2])
redis.call("HSET", key, "topic", note[3])
for name, n in pairs(note[5]) do
  redis.call("HINCRBY", key, name, n)
end
for boot, arrived in pairs(note[6]) do
  local field = "boot:" .. boot
  local ranges = ranges_parse(redis.call("HGET", key, field))
  for _, seq in ipairs(arrived[1]) do
    ranges = ranges_add(ranges, seq, seq)
  end
  if arrived[2] > 0 then
    ranges = ranges_add(ranges, 0, arrived[2] - 1)
  end
  redis.call("HSET", key, field, ranges_text(ranges))
  local first = ranges[1]
  local mark = -1
  if first and first[1] <= 1 then mark = first[2] end
  later("boot", tonumber(boot))
  answer[#answer + 1] = { tonumber(boot), mark }
end
redis.call("EXPIRE", key, note[4])
return answer
