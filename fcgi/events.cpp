// The commands with which an operator looks after stored events.
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <csignal>
#include <iomanip>
#include <iostream>

#include "fcgi/adapters/event_stores.hpp"
#include "fcgi/commands.hpp"
#include "fcgi/site_loader.hpp"
#include "fcgi/system_clock.hpp"

namespace blobvalet::fcgi {
namespace {

const char* state_of(const StoredEvent& event) {
  if (event.dead) return "dead";
  return event.attempts == 0 ? "waiting" : "retrying";
}

/// In the largest unit of which there is at least one: `45s`, `12m`, `3h`, `9d`.
std::string duration_text(std::chrono::seconds duration) {
  const auto seconds = std::max<std::int64_t>(duration.count(), 0);
  if (seconds < 60) return std::to_string(seconds) + "s";
  if (seconds < 3600) return std::to_string(seconds / 60) + "m";
  if (seconds < 86400) return std::to_string(seconds / 3600) + "h";
  return std::to_string(seconds / 86400) + "d";
}

std::string next_attempt_text(const StoredEvent& event, UtcSeconds now) {
  if (event.dead) return "never";
  if (event.next_attempt <= now) return "now";
  return "in " + duration_text(event.next_attempt - now);
}

/// Blob names and an application's texts must not reach the terminal as control characters.
std::string printable(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return text;
}

using Row = std::vector<std::string>;

void print_table(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], row[i].size());
  }
  for (const Row& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i)
      std::cout << std::left << std::setw(static_cast<int>(widths[i])) << row[i] << "  ";
    std::cout << row.back() << "\n";
  }
}

void print_table(const std::vector<StoredEvent>& events) {
  const UtcSeconds now = SystemClock().now();
  std::vector<Row> rows = {{"ID", "STATE", "ATTEMPTS", "AGE", "NEXT", "SUBJECT", "LAST ERROR"}};
  for (const StoredEvent& event : events) {
    rows.push_back({printable(event.id), state_of(event), std::to_string(event.attempts),
                    duration_text(now - event.stored_at), next_attempt_text(event, now),
                    printable(event.subject), printable(event.last_error)});
  }
  print_table(rows);
}

/// One JSON object a line.
void print_json(const std::vector<StoredEvent>& events) {
  rapidjson::StringBuffer buffer;
  for (const StoredEvent& event : events) {
    buffer.Clear();
    rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
    const auto text = [&](const char* name, std::string_view value) {
      writer.Key(name);
      writer.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
    };
    writer.StartObject();
    text("id", event.id);
    text("state", state_of(event));
    writer.Key("attempts");
    writer.Uint(event.attempts);
    text("stored_at", UtcText(event.stored_at).view());
    if (!event.dead) text("next_attempt", UtcText(event.next_attempt).view());
    text("subject", event.subject);
    text("last_error", event.last_error);
    text("body", event.body);
    writer.EndObject();
    std::cout << std::string_view(buffer.GetString(), buffer.GetSize()) << "\n";
  }
}

/// Runs `use` on the store and reports its errors.
template <class Use>
ExitCode with_store(const EventStoreOptions& options, Use use) {
  (void)std::signal(SIGPIPE, SIG_IGN);  // a server that went away is an ordinary error
  try {
    // What root made here, the workers could not use.
    return use(*open_event_store(options, false));
  } catch (const EventStoreError& error) {
    std::cerr << error.what() << "\n";
    return ExitCode::failure;
  }
}

ExitCode no_such_event(const std::string& id) {
  std::cerr << "no event has the id " << printable(id) << "\n";
  return ExitCode::failure;
}

void retry_all_dead(EventStore& store, UtcSeconds now) {
  std::size_t count = 0;
  for (const StoredEvent& event : store.list())
    if (event.dead && store.retry(event.id, now)) ++count;
  std::cout << count << (count == 1 ? " event waits again\n" : " events wait again\n");
}

}  // namespace

std::optional<EventStoreOptions> event_store_of(const std::string& config_file) {
  const auto site = SiteLoader(config_file).load();
  if (!site) {
    for (const ConfigFault& fault : site.error())
      std::cerr << fault.text() << "\n";
    return std::nullopt;
  }
  const auto& hook = (*site)->success().hook;
  if (hook && hook->mode == HookOptions::Mode::async) return hook->store;
  std::cerr << "success.hook.mode: is not async, so no events are stored\n";
  return std::nullopt;
}

ExitCode list_events(const EventStoreOptions& options, bool json) {
  return with_store(options, [&](EventStore& store) {
    const auto events = store.list();
    json ? print_json(events) : print_table(events);
    return ExitCode::success;
  });
}

ExitCode retry_events(const EventStoreOptions& options, const std::optional<std::string>& id) {
  return with_store(options, [&](EventStore& store) {
    const UtcSeconds now = SystemClock().now();
    if (id) return store.retry(*id, now) ? ExitCode::success : no_such_event(*id);
    retry_all_dead(store, now);
    return ExitCode::success;
  });
}

ExitCode drop_event(const EventStoreOptions& options, const std::string& id) {
  return with_store(
      options, [&](EventStore& store) { return store.drop(id) ? ExitCode::success : no_such_event(id); });
}

}  // namespace blobvalet::fcgi
