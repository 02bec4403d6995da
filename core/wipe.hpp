#pragma once
#include <string>

#include "core/http_client.hpp"

namespace blobvalet {

/// Overwrites `text` and empties it, so that a secret does not stay in memory that is given back.
void wipe(std::string& text);

/// The same for everything in a request or an answer that may hold a secret: URL (of a SAS), headers and
/// body.
void wipe(HttpCall& call);
void wipe(HttpAnswer& answer);

/// Wipes what it was made for when it goes, on every path. The object outlives it.
template <class T>
class Wiper {
 public:
  explicit Wiper(T& object) : object_(object) {}
  ~Wiper() { wipe(object_); }
  Wiper(const Wiper&) = delete;
  Wiper& operator=(const Wiper&) = delete;

 private:
  T& object_;
};

}  // namespace blobvalet
