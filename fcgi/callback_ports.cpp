#include "fcgi/callback_ports.hpp"

#include "fcgi/adapters/event_stores.hpp"

namespace blobvalet::fcgi {
namespace {

std::unique_ptr<EventStore> store_for(const Site& site) {
  const auto& hook = site.success().hook;
  if (!hook || hook->mode == HookOptions::Mode::sync) return nullptr;
  return open_event_store(hook->store, true);
}

}  // namespace

ThreadPorts::ThreadPorts(const Site& site, std::function<void()> event_stored)
    : refusals_(site.success().state_directory), events_(store_for(site)), ports_{http_,
                                                                                  timer_,
                                                                                  magic_numbers_,
                                                                                  secret_files_,
                                                                                  refusals_,
                                                                                  events_.get(),
                                                                                  std::move(event_stored)} {}

}  // namespace blobvalet::fcgi
