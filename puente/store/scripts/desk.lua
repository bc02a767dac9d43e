-- Write alerts, their audit entries and the desk's offset, all or nothing. One tag: {desk}.
-- KEYS: 1 lease, 2 offsets, 3 alerts, 4 revisions, 5 open, 6 closed, 7 changes, 8 audit.
-- ARGV: 1 token ("" for a person's action, which needs no lease), 2 partition ("" for none),
--       3 expected offset, 4 new offset,
--       then per alert: id, expected revision (0 = new), new revision, packed alert, queue,
--       score, number of audit entries, and 14 fields and values of each;
--       queue is "open", "closed" or "none".
-- Returns "ok", or why nothing was written: "lease", "offset", or "revision <id>".
local KINDS = { "string", "hash", "hash", "hash", "zset", "zset", "stream", "stream" }
for i, kind in ipairs(KINDS) do
  local found = redis.call("TYPE", KEYS[i]).ok
  if found ~= "none" and found ~= kind then
    error({ err = "WRONGTYPE " .. KEYS[i] .. " is a " .. found .. ", not a " .. kind })
  end
end
if (ARGV[1] ~= "" or ARGV[2] ~= "") and redis.call("GET", KEYS[1]) ~= ARGV[1] then
  return "lease"
end
if ARGV[2] ~= "" and (redis.call("HGET", KEYS[2], ARGV[2]) or "0-0") ~= ARGV[3] then
  return "offset"
end
local AUDIT = 14
local writes = {}
local i = 5
while i <= #ARGV do
  local audits = tonumber(ARGV[i + 6])
  writes[#writes + 1] = {
    ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], ARGV[i + 5],
    audits, i + 7,
  }
  i = i + 7 + audits * AUDIT
end
for _, w in ipairs(writes) do
  if tonumber(redis.call("HGET", KEYS[4], w[1]) or "0") ~= w[2] then
    return "revision " .. w[1]
  end
end
for _, w in ipairs(writes) do
  local id, queue = w[1], w[5]
  redis.call("HSET", KEYS[3], id, w[4])
  redis.call("HSET", KEYS[4], id, w[3])
  redis.call("ZREM", KEYS[5], id)
  redis.call("ZREM", KEYS[6], id)
  if queue == "open" then redis.call("ZADD", KEYS[5], w[6], id) end
  if queue == "closed" then redis.call("ZADD", KEYS[6], w[6], id) end
  redis.call("XADD", KEYS[7], "MAXLEN", "~", "5000", "*", "id", id)
  for n = 0, w[7] - 1 do
    local entry = { "XADD", KEYS[8], "*" }
    for j = w[8] + n * AUDIT, w[8] + n * AUDIT + AUDIT - 1 do entry[#entry + 1] = ARGV[j] end
    redis.call(unpack(entry))
  end
end
if ARGV[2] ~= "" then redis.call("HSET", KEYS[2], ARGV[2], ARGV[4]) end
return "ok"
