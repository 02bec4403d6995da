#include "core/notifier.hpp"

#include <stdexcept>

namespace blobvalet {

using Kind = HookVerdict::Kind;

Notifier::Notifier(const Site& site, Http& http, Timer& timer, const Clock& clock, EventStore* events,
                   std::function<void()> stored)
    : options_(site.success().hook ? &*site.success().hook : nullptr),
      events_(events),
      stored_(std::move(stored)),
      clock_(clock) {
  if (options_ == nullptr) return;
  if (options_->mode == HookOptions::Mode::sync) {
    client_.emplace(*options_, site.hook_secret(), http, timer, clock);
  } else if (events_ == nullptr) {
    throw std::logic_error("an asynchronous hook needs an event store");
  }
}

HookVerdict Notifier::tell(const HookFacts& facts, std::span<const NamedValue> headers,
                           bool with_properties) {
  if (options_ == nullptr) return {Kind::accepted};
  const NewEvent message = hook_message(facts);
  return client_ ? ask(message, headers, with_properties) : store(message);
}

HookVerdict Notifier::ask(const NewEvent& message, std::span<const NamedValue> headers,
                          bool with_properties) {
  HookVerdict verdict = judge(client_->post(message.body, headers, options_->retries), with_properties);
  const bool believe = options_->on_failure == OnFailure::accept;
  if (verdict.kind == Kind::unavailable && believe)
    return {Kind::accepted, {}, verdict.status, verdict.log_reason};
  return verdict;
}

HookVerdict Notifier::store(const NewEvent& message) {
  try {
    events_->append(message, clock_.now());
  } catch (const EventStoreError& error) {
    return {Kind::unavailable, {}, {}, error.what(), Errc::event_store_unavailable};
  }
  stored_();
  return {Kind::accepted};
}

}  // namespace blobvalet
