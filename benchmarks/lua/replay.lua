-- Sends requests that were prepared in a file, and prints the outcome as one line of JSON.
--
--     wrk -t 2 -c 16 -d 10s -s replay.lua http://127.0.0.1:3000 -- FILE ORDER THREADS SEED
--
-- FILE has one request a line: method, path and body, separated by tabs. Each thread takes every THREADS-th
-- line, so that no two threads share one. ORDER is `shuffled` (in random order, over and over) or `once` (in
-- the file's order; the thread stops and says so where the lines run out). Requests are put together before
-- the clock starts, and answers are not looked at from Lua: wrk itself counts the wrong ones, at no cost.

local threads = {}

function setup(thread)
  thread:set("number", #threads)
  table.insert(threads, thread)
end

local requests, order, at = {}, "shuffled", 0
exhausted = "no"

local function shuffle(list)
  for i = #list, 2, -1 do
    local j = math.random(i)
    list[i], list[j] = list[j], list[i]
  end
end

function init(arguments)
  local threads_total, seed = tonumber(arguments[3]), tonumber(arguments[4])
  order = arguments[2]
  wrk.headers["Content-Type"] = "application/json"
  local line_number = 0
  for line in io.lines(arguments[1]) do
    if line_number % threads_total == number then
      local method, path, body = line:match("^(%S+)\t(%S+)\t(.*)$")
      requests[#requests + 1] = wrk.format(method, path, nil, body ~= "" and body or nil)
    end
    line_number = line_number + 1
  end
  if order == "shuffled" then
    math.randomseed(seed * 1000 + number)
    shuffle(requests)
  end
end

function request()
  at = at + 1
  if at > #requests then
    if order == "once" then
      exhausted = "yes"
      wrk.thread:stop()
    end
    at = 1
  end
  return requests[at]
end

function done(summary, latency, _)
  local ran_out = "false"
  for _, thread in ipairs(threads) do
    if thread:get("exhausted") == "yes" then ran_out = "true" end
  end
  local errors = summary.errors
  io.write(string.format(
    'OUTCOME {"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,"connect":%d,"read":%d,"write":%d,' ..
    '"status":%d,"timeout":%d,"ran_out":%s}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect, errors.read, errors.write, errors.status, errors.timeout, ran_out))
end
