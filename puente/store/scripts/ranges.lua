-- Sets of numbers as text: "0-41,43-43". Mirrors puente/ranges.py; a property test compares them.
local function ranges_parse(text)
  local out = {}
  if text then
    for first, last in string.gmatch(text, "(%d+)-(%d+)") do
      out[#out + 1] = { tonumber(first), tonumber(last) }
    end
  end
  return out
end

local function ranges_text(ranges)
  local parts = {}
  for i = 1, #ranges do
    parts[i] = string.format("%.0f-%.0f", ranges[i][1], ranges[i][2])
  end
  return table.concat(parts, ",")
end

local function ranges_contains(ranges, n)
  for i = #ranges, 1, -1 do
    if n >= ranges[i][1] then
      return n <= ranges[i][2]
    end
  end
  return false
end

local function ranges_add(ranges, first, last)
  local top = ranges[#ranges]
  if top and first >= top[1] and first <= top[2] + 1 then
    if last > top[2] then top[2] = last end
    return ranges
  end
  local out, placed = {}, false
  for i = 1, #ranges do
    local r = ranges[i]
    if r[2] < first - 1 then
      out[#out + 1] = r
    elseif r[1] > last + 1 then
      if not placed then
        out[#out + 1] = { first, last }
        placed = true
      end
      out[#out + 1] = r
    else
      first = math.min(first, r[1])
      last = math.max(last, r[2])
    end
  end
  if not placed then out[#out + 1] = { first, last } end
  return out
end
