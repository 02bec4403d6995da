#include "fcgi/adapters/redis_events.hpp"

#include <hiredis/hiredis.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "fcgi/adapters/redis_connection.hpp"

namespace blobvalet::fcgi {
namespace {

constexpr std::string_view kPageSize = "256";

// All that touches more than one key happens within this script, and so at once. Its keys:
//   last           the number given last; an event's number is the order of delivery
//   events         stream: the waiting events, entry `<number>-0`
//   dead           stream: the dead ones
//   entry          hash: event id -> entry in `events`
//   dead_entry     hash: event id -> entry in `dead`
//   attempts, next_attempt, last_error
//                  hashes by event id, for the waiting ones
//   subject:<s>    list: the ids that wait, oldest first
//   due            sorted set: subject -> when the oldest one's time comes, and behind that its number
//   leader         whose the lease is
constexpr std::string_view kScript = R"(
local function key(name) return KEYS[1] .. ':' .. name end

local function fields_of(stream, entry)
  local found = redis.call('XRANGE', key(stream), entry, entry)[1]
  local fields = {}
  for i = 1, #found[2], 2 do fields[found[2][i]] = found[2][i + 1] end
  return fields
end

local function schedule(subject)
  local id = redis.call('LINDEX', key('subject:' .. subject), 0)
  if not id then return redis.call('ZREM', key('due'), subject) end
  local number = tonumber(string.match(redis.call('HGET', key('entry'), id), '^%d+'))
  local time = tonumber(redis.call('HGET', key('next_attempt'), id))
  return redis.call('ZADD', key('due'), string.format('%.0f', time * 1000000 + number % 1000000), subject)
end

local function add(id, subject, body, stored_at, now)
  local entry = string.format('%.0f-0', redis.call('INCR', key('last')))
  redis.call('XADD', key('events'), entry, 'id', id, 'subject', subject, 'body', body, 'stored_at', stored_at)
  redis.call('HSET', key('entry'), id, entry)
  redis.call('HSET', key('next_attempt'), id, now)
  redis.call('RPUSH', key('subject:' .. subject), id)
  schedule(subject)
end

local function remove(id)
  local entry = redis.call('HGET', key('entry'), id)
  if not entry then return nil end
  local event = fields_of('events', entry)
  event.attempts = redis.call('HGET', key('attempts'), id) or '0'
  event.number = string.match(entry, '^%d+')
  redis.call('XDEL', key('events'), entry)
  for _, hash in ipairs({'entry', 'attempts', 'next_attempt', 'last_error'}) do
    redis.call('HDEL', key(hash), id)
  end
  redis.call('LREM', key('subject:' .. event.subject), 1, id)
  schedule(event.subject)
  return event
end

local function remove_dead(id)
  local entry = redis.call('HGET', key('dead_entry'), id)
  if not entry then return nil end
  local event = fields_of('dead', entry)
  redis.call('XDEL', key('dead'), entry)
  redis.call('HDEL', key('dead_entry'), id)
  return event
end

-- What a StoredEvent holds, and its number.
local function waiting(entry, event)
  return {event.id, event.subject, event.body, event.stored_at,
          redis.call('HGET', key('attempts'), event.id) or '0',
          redis.call('HGET', key('next_attempt'), event.id),
          redis.call('HGET', key('last_error'), event.id) or '', '0', string.match(entry, '^%d+')}
end
local function dead(_, event)
  return {event.id, event.subject, event.body, event.stored_at, event.attempts, event.stored_at,
          event.last_error, '1', event.number}
end

local function page(stream, from, count, row)
  local rows = {}
  for i, found in ipairs(redis.call('XRANGE', key(stream), from, '+', 'COUNT', count)) do
    rows[i] = row(found[1], fields_of(stream, found[1]))
    rows[i][10] = found[1]
  end
  return rows
end

local run = {}

function run.append(id, subject, body, now)
  if redis.call('HEXISTS', key('entry'), id) == 1 then return 0 end
  remove_dead(id)
  add(id, subject, body, now, now)
  return 1
end

function run.lead(token, lease)
  local leader = redis.call('GET', key('leader'))
  if leader and leader ~= token then return 0 end
  redis.call('SET', key('leader'), token, 'PX', lease)
  return 1
end
function run.resign(token)
  if redis.call('GET', key('leader')) ~= token then return 0 end
  return redis.call('DEL', key('leader'))
end

function run.due(now, longest_delay, limit)
  local rows = {}
  local function add(least, most)
    for _, subject in ipairs(redis.call('ZRANGEBYSCORE', key('due'), least, most, 'LIMIT', 0, limit - #rows)) do
      local entry = redis.call('HGET', key('entry'), redis.call('LINDEX', key('subject:' .. subject), 0))
      rows[#rows + 1] = waiting(entry, fields_of('events', entry))
    end
  end
  local function latest(time) return string.format('%.0f', time * 1000000 + 999999) end
  add('-inf', latest(now))
  add('(' .. latest(now + longest_delay), '+inf')
  return rows
end

function run.delivered(id)
  return remove(id) and 1 or 0
end

function run.postpone(id, next_attempt, last_error)
  local entry = redis.call('HGET', key('entry'), id)
  if not entry then return 0 end
  redis.call('HINCRBY', key('attempts'), id, 1)
  redis.call('HSET', key('next_attempt'), id, next_attempt)
  redis.call('HSET', key('last_error'), id, last_error)
  schedule(fields_of('events', entry).subject)
  return 1
end

function run.bury(id, last_error)
  local event = remove(id)
  if not event then return 0 end
  local entry = redis.call('XADD', key('dead'), '*', 'id', id, 'subject', event.subject, 'body', event.body,
                           'stored_at', event.stored_at, 'attempts', event.attempts + 1,
                           'last_error', last_error, 'number', event.number)
  redis.call('HSET', key('dead_entry'), id, entry)
  return 1
end

function run.list(from, count) return page('events', from, count, waiting) end
function run.list_dead(from, count) return page('dead', from, count, dead) end

-- How many wait, how many are dead, and when the oldest that waits was stored (0: none).
function run.counts()
  local oldest = redis.call('XRANGE', key('events'), '-', '+', 'COUNT', 1)[1]
  local stored_at = oldest and fields_of('events', oldest[1]).stored_at or '0'
  return {{tostring(redis.call('XLEN', key('events'))), tostring(redis.call('XLEN', key('dead'))), stored_at}}
end

function run.retry(id, now)
  local entry = redis.call('HGET', key('entry'), id)
  if entry then
    if tonumber(redis.call('HGET', key('next_attempt'), id)) > tonumber(now) then
      redis.call('HSET', key('next_attempt'), id, now)
      schedule(fields_of('events', entry).subject)
    end
    return 1
  end
  local event = remove_dead(id)
  if not event then return 0 end
  add(id, event.subject, event.body, event.stored_at, now)
  return 1
end

function run.drop(id)
  return (remove(id) or remove_dead(id)) and 1 or 0
end

return run[ARGV[1]](unpack(ARGV, 2))
)";

std::string decimal(std::int64_t number) {
  return std::to_string(number);
}
std::string decimal(UtcSeconds time) {
  return decimal(time.time_since_epoch().count());
}

std::string new_token() {
  std::array<unsigned char, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    throw std::runtime_error("getrandom failed");
  std::string token;
  for (const unsigned char byte : bytes) {
    constexpr std::string_view kHex = "0123456789abcdef";
    token.append({kHex[byte / 16U], kHex[byte % 16U]});
  }
  return token;
}

}  // namespace

/// What the server answered; of the type that the operation returns, since errors are thrown before.
class RedisEvents::Reply {
 public:
  explicit Reply(RedisReply reply) : reply_(std::move(reply)) {}
  [[nodiscard]] std::int64_t number() const { return reply_->integer; }
  [[nodiscard]] std::size_t rows() const { return reply_->elements; }
  [[nodiscard]] std::string_view text(std::size_t row, std::size_t column) const {
    const redisReply* line = reply_->element[row];
    if (line->type != REDIS_REPLY_ARRAY || column >= line->elements) unusable();
    const redisReply* value = line->element[column];
    if (value->type != REDIS_REPLY_STRING) unusable();
    return {value->str, value->len};
  }
  [[nodiscard]] std::int64_t number(std::size_t row, std::size_t column) const {
    const std::string_view digits = text(row, column);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size()) unusable();
    return value;
  }
  [[nodiscard]] StoredEvent event(std::size_t row) const {
    StoredEvent event;
    event.id = text(row, 0);
    event.subject = text(row, 1);
    event.body = text(row, 2);
    event.stored_at = UtcSeconds(std::chrono::seconds(number(row, 3)));
    event.attempts = static_cast<unsigned>(number(row, 4));
    event.next_attempt = UtcSeconds(std::chrono::seconds(number(row, 5)));
    event.last_error = text(row, 6);
    event.dead = text(row, 7) == "1";
    return event;
  }

 private:
  [[noreturn]] static void unusable() { throw EventStoreError("Redis holds an event that is none of ours"); }

  RedisReply reply_;
};

RedisEvents::RedisEvents(EventStoreOptions options, std::chrono::milliseconds lease)
    : prefix_(std::move(options.prefix)),
      server_{std::move(options.host), options.port, std::move(options.password_file)},
      lease_ms_(decimal(lease.count())),
      token_(new_token()) {}

RedisEvents::~RedisEvents() {
  if (!leads_ || connection_ == nullptr) return;
  try {
    run({"resign", token_});
  } catch (const EventStoreError&) {  // then it runs out
  }
}

RedisEvents::Reply RedisEvents::run(std::initializer_list<std::string_view> arguments) {
  std::array<std::string_view, RedisConnection::kMaxArguments> command{"EVAL", kScript, "1", prefix_};
  const auto* end = std::copy(arguments.begin(), arguments.end(), command.begin() + 4);
  const auto count = static_cast<std::size_t>(end - command.begin());
  try {
    const bool reused = connection_ != nullptr;
    if (!reused) connection_ = std::make_unique<RedisConnection>(server_);
    auto reply = connection_->send(command.data(), count);
    // Every operation may be repeated, whether or not it was carried out.
    if (!reply && reused && connection_->was_closed()) {
      connection_ = std::make_unique<RedisConnection>(server_);
      reply = connection_->send(command.data(), count);
    }
    if (!reply) throw RedisError(connection_->failure());
    return Reply(std::move(reply));
  } catch (const RedisError& error) {
    connection_.reset();
    throw EventStoreError("Redis at " + server_.place() + ": " + error.what());
  }
}

void RedisEvents::append(const NewEvent& event, UtcSeconds now) {
  run({"append", event.id, event.subject, event.body, decimal(now)});
}

bool RedisEvents::lead() {
  leads_ = run({"lead", token_, lease_ms_}).number() == 1;
  return leads_;
}

std::vector<StoredEvent> RedisEvents::due(UtcSeconds now, std::size_t limit) {
  const Reply reply = run(
      {"due", decimal(now), decimal(kLongestRetryDelay.count()), decimal(static_cast<std::int64_t>(limit))});
  std::vector<StoredEvent> events;
  events.reserve(reply.rows());
  for (std::size_t i = 0; i < reply.rows(); ++i)
    events.push_back(reply.event(i));
  return events;
}

void RedisEvents::delivered(const StoredEvent& event) {
  run({"delivered", event.id});
}

void RedisEvents::postpone(const StoredEvent& event, UtcSeconds next_attempt, std::string_view error) {
  run({"postpone", event.id, decimal(next_attempt), error});
}

void RedisEvents::bury(const StoredEvent& event, std::string_view error) {
  run({"bury", event.id, error});
}

std::vector<StoredEvent> RedisEvents::list() {
  std::vector<std::pair<std::int64_t, StoredEvent>> numbered;
  for (const std::string_view operation : {"list", "list_dead"}) {
    std::string from = "-";
    for (;;) {
      const Reply reply = run({operation, from, kPageSize});
      if (reply.rows() == 0) break;
      for (std::size_t i = 0; i < reply.rows(); ++i)
        numbered.emplace_back(reply.number(i, 8), reply.event(i));
      from = "(" + std::string(reply.text(reply.rows() - 1, 9));
    }
  }
  std::ranges::sort(numbered, {}, &std::pair<std::int64_t, StoredEvent>::first);
  std::vector<StoredEvent> events;
  events.reserve(numbered.size());
  for (auto& [number, event] : numbered)
    events.push_back(std::move(event));
  return events;
}

EventCounts RedisEvents::counts() {
  const Reply reply = run({"counts"});
  EventCounts counts;
  counts.waiting = static_cast<std::uint64_t>(reply.number(0, 0));
  counts.dead = static_cast<std::uint64_t>(reply.number(0, 1));
  if (counts.waiting > 0) counts.oldest = UtcSeconds(std::chrono::seconds(reply.number(0, 2)));
  return counts;
}

bool RedisEvents::retry(std::string_view id, UtcSeconds now) {
  return run({"retry", id, decimal(now)}).number() == 1;
}

bool RedisEvents::drop(std::string_view id) {
  return run({"drop", id}).number() == 1;
}

}  // namespace blobvalet::fcgi
