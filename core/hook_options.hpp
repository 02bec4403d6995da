#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/event_store.hpp"
#include "core/key_source.hpp"
#include "core/verify_options.hpp"

namespace blobvalet {

/// The site's application, which is told of uploads; the configuration's `success.hook`.
struct HookOptions {
  enum class Mode : std::uint8_t {
    sync,   ///< asked before the browser is answered; its answer decides
    async,  ///< told later, from a store that the event is in before the browser is answered
  };
  std::string url;
  std::string unix_socket;  ///< connect here; the URL's host is only a name then
  std::string ca_file;      ///< certificates to trust instead of the system's
  Mode mode = Mode::sync;
  std::optional<KeySource> secret;          ///< always there in a checked configuration
  std::chrono::milliseconds timeout{3000};  ///< sync: for all attempts together; async: for each
  std::chrono::milliseconds connect_timeout{1000};
  unsigned retries = 1;                           ///< further attempts; sync only
  std::vector<std::string> forward_headers = {};  ///< lower case; sync only
  OnFailure on_failure = OnFailure::refuse;       ///< sync only: no answer, or none that can be used
  bool delete_granted = false;                    ///< also told of each DELETE that is signed
  unsigned max_attempts = 20;                     ///< async only: then the event is dead
  unsigned parallel_deliveries = 4;               ///< async only
  EventStoreOptions store;                        ///< async only
};

}  // namespace blobvalet
