-- Commit what an engine folded: state, track, events, rows, changes and offsets, all or nothing.
-- KEYS: 1 lease, 2 offset, then the keys that the operations name by index.
-- ARGV: 1 token, 2 expected log id, 3 expected late id, 4 new log id, 5 new late id,
--       then per operation: command, key index, number of arguments, arguments.
-- Returns "ok", or why nothing was written: "lease" or "offset".
-- Redis does not roll back: owner, offsets, every type and size are checked before the first write.
local MOST = 7000 -- arguments of one operation: what Lua can unpack is a little more
local KINDS = {
  HSET = "hash", HDEL = "hash", ZADD = "zset", ZREM = "zset", ZREMRANGEBYSCORE = "zset",
  XADD = "stream", DEL = "any", EXPIRE = "any",
}
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return "lease" end
local at = redis.call("HMGET", KEYS[2], "log", "late")
if (at[1] or "0-0") ~= ARGV[2] or (at[2] or "0-0") ~= ARGV[3] then return "offset" end
local operations = {}
local i = 6
while i <= #ARGV do
  local n = tonumber(ARGV[i + 2])
  operations[#operations + 1] = { ARGV[i], tonumber(ARGV[i + 1]), i + 3, i + 2 + n }
  i = i + 3 + n
end
local types = {}
for _, op in ipairs(operations) do
  local kind, key = KINDS[op[1]], KEYS[op[2]]
  if not kind then error({ err = "ERR no such operation: " .. tostring(op[1]) }) end
  if kind ~= "any" then
    if not types[key] then types[key] = redis.call("TYPE", key).ok end
    if types[key] ~= "none" and types[key] ~= kind then
      error({ err = "WRONGTYPE " .. key .. " is a " .. types[key] .. ", not a " .. kind })
    end
  end
  if op[4] - op[3] >= MOST then
    error({ err = "ERR " .. op[1] .. " with " .. (op[4] - op[3] + 1) .. " arguments is too long" })
  end
end
for _, op in ipairs(operations) do
  local call = { op[1], KEYS[op[2]] }
  for j = op[3], op[4] do call[#call + 1] = ARGV[j] end
  redis.call(unpack(call))
end
redis.call("HSET", KEYS[2], "log", ARGV[4], "late", ARGV[5])
return "ok"
