-- Take or renew a lease. KEYS: 1 lease, 2 fencing counter. ARGV: 1 token ("" to take), 2 owner,
-- 3 ms. Returns the token ("<fencing number>:<owner>") or false when somebody else holds it.
-- An owner that has lost its token (a reply was cut) takes its own lease over: with a new number,
-- so that whatever it had sent before writes nothing any more.
local held = redis.call("GET", KEYS[1])
if held then
  if held == ARGV[1] then
    redis.call("PEXPIRE", KEYS[1], ARGV[3])
    return held
  end
  if string.match(held, "^%d+:(.*)$") ~= ARGV[2] then return false end
end
local token = redis.call("INCR", KEYS[2]) .. ":" .. ARGV[2]
redis.call("SET", KEYS[1], token, "PX", ARGV[3])
return token
