#include "core/wipe.hpp"

#include <openssl/crypto.h>

namespace blobvalet {

void wipe(std::string& text) {
  // OpenSSL's cleanse is not optimised away. Up to the capacity: a longer text may have stood there before.
  text.resize(text.capacity());
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

void wipe(HttpCall& call) {
  wipe(call.url);
  for (std::string& header : call.headers)
    wipe(header);
  wipe(call.body);
}

void wipe(HttpAnswer& answer) {
  for (auto& [name, value] : answer.headers)
    wipe(value);
  wipe(answer.body);
}

}  // namespace blobvalet
