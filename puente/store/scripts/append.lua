-- Append a batch of readings of one partition, each once, whatever is sent again.
-- KEYS: log, late, then the keys named by the entries (seen or identities of a device).
-- ARGV: 1 = ms to keep identities; 2 = seconds to keep a device's numbers; then per entry:
--       key index, identity, hash, boot, seq, where, received_at, body;
--       boot and seq are -1 for readings without a number; where is "log", "late", "moved" (to
--       the log, a bundle of readings under one identity) or "seen" (no entry: the reading comes
--       in a bundle, and is known from now on).
-- Values travel as they are: cmsgpack does not know msgpack's binary type.
-- Returns one number an entry: 0 appended, 1 duplicate, 2 conflict (same number, other content).
-- Redis does not roll back: types are checked before the first write.
-- include ranges
local entries = {}
for i = 3, #ARGV, 8 do
  entries[#entries + 1] = {
    tonumber(ARGV[i]), ARGV[i + 1], ARGV[i + 2], tonumber(ARGV[i + 3]), tonumber(ARGV[i + 4]),
    ARGV[i + 5], tonumber(ARGV[i + 6]), ARGV[i + 7],
  }
end
local function expect(key, kind)
  local found = redis.call("TYPE", key).ok
  if found ~= "none" and found ~= kind then
    error({ err = "WRONGTYPE " .. key .. " is a " .. found .. ", not a " .. kind })
  end
end
expect(KEYS[1], "stream")
expect(KEYS[2], "stream")
for _, e in ipairs(entries) do
  expect(KEYS[e[1]], e[5] >= 0 and "hash" or "zset")
end

local RECENT = 128
local loaded, changed, verdicts = {}, {}, {}
local function boot_ranges(key, boot)
  local name = key .. "\n" .. boot
  if not loaded[name] then
    loaded[name] = ranges_parse(redis.call("HGET", key, "b:" .. boot))
  end
  return name, loaded[name]
end

for i, e in ipairs(entries) do
  local key, identity, hash, boot, seq = KEYS[e[1]], e[2], e[3], e[4], e[5]
  local verdict = 0
  if seq >= 0 then
    local boot_text = string.format("%.0f", boot)
    local name, ranges = boot_ranges(key, boot_text)
    if ranges_contains(ranges, seq) then
      local known = redis.call("HGET", key, identity)
      verdict = (known and known ~= hash) and 2 or 1
    else
      loaded[name] = ranges_add(ranges, seq, seq)
      changed[name] = { key, boot_text }
      redis.call("HSET", key, identity, hash)
      if seq >= RECENT then
        redis.call("HDEL", key, boot_text .. "." .. string.format("%.0f", seq - RECENT))
      end
    end
  elseif redis.call("ZADD", key, "NX", e[7], identity) == 0 then
    verdict = 1
  else
    redis.call("ZREMRANGEBYSCORE", key, "-inf", string.format("(%.0f", e[7] - tonumber(ARGV[1])))
    redis.call("PEXPIRE", key, ARGV[1])
  end
  if verdict == 0 and e[6] ~= "seen" then
    local kind = e[6] == "moved" and "m" or "r"
    redis.call("XADD", e[6] == "late" and KEYS[2] or KEYS[1], "*", "k", kind, "b", e[8])
  end
  verdicts[i] = verdict
end
for name, where in pairs(changed) do
  redis.call("HSET", where[1], "b:" .. where[2], ranges_text(loaded[name]))
  redis.call("EXPIRE", where[1], ARGV[2])
end
return verdicts
