#pragma once
#include <initializer_list>
#include <string_view>

#include "core/config_credential.hpp"
#include "core/object_reader.hpp"

namespace blobvalet {

/// Reports what cannot go together in a `store`, which is either Redis or a `file` of type `file_type`: a key
/// of the other type (`redis_keys` are Redis'), and a unix socket beside an address.
void check_store(const ObjectReader& store, std::string_view file_type,
                 std::initializer_list<const char*> redis_keys, const ReportFault& report);

/// Reads where Redis is, and as whom we come, into `options`: `host`, `port`, `password_file` and `prefix`.
/// What is not said stays.
template <typename Options>
void read_redis(Options& options, const ObjectReader& store) {
  options.host = store.text("unix_socket").value_or(store.text("host").value_or(options.host));
  options.port = store.number("port").value_or(options.port);
  options.password_file = store.text("password_file").value_or(options.password_file);
  options.prefix = store.text("prefix").value_or(options.prefix);
}

}  // namespace blobvalet
