#include "core/config_store.hpp"

#include <string>

namespace blobvalet {

void check_store(const ObjectReader& store, std::string_view file_type,
                 std::initializer_list<const char*> redis_keys, const ReportFault& report) {
  const bool redis = store.text("type") == "redis";
  if (redis && store.has("file")) {
    report(store.path_of("file"), "is for type " + std::string(file_type) + " only");
  }
  for (const char* name : redis_keys) {
    if (!redis && store.has(name)) report(store.path_of(name), "is for type redis only");
  }
  if (store.has("unix_socket") && (store.has("host") || store.has("port"))) {
    report(store.path_of("unix_socket"), "cannot be combined with host and port");
  }
}

}  // namespace blobvalet
