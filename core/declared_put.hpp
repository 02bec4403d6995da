#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/http.hpp"
#include "core/result.hpp"

namespace blobvalet {

/// The requests that make up an upload ("Operations on block blobs", learn.microsoft.com).
enum class PutOperation : std::uint8_t {
  put_blob,        ///< the whole blob in one request
  put_block,       ///< one part of it
  put_block_list,  ///< puts the parts together
};

/// `put_blob`, `put_block` or `put_block_list`.
[[nodiscard]] std::string_view name_of(PutOperation operation);

/// Exactly one of these; nothing for any other text.
[[nodiscard]] std::optional<PutOperation> parse_put_operation(std::string_view text);

/// The one PUT that a client says it will send, from further parameters of its signature request: `operation`
/// (`put_blob`, `put_block` or `put_block_list`) and, each only where the operation has it, `content_type`,
/// `content_length` and `block_id`. Every value is exactly what the PUT will carry.
struct DeclaredPut {
  /// Of Put Blob and of Put Block, in the service versions that can bind requests ("Scalability and
  /// performance targets for Blob Storage", learn.microsoft.com): 5,000 and 4,000 MiB.
  static constexpr std::uint64_t kMaxBlobBytes = 5'000ULL << 20U;
  static constexpr std::uint64_t kMaxBlockBytes = 4'000ULL << 20U;
  static constexpr std::size_t kMaxBlockIdBytes = 64;

  PutOperation operation;
  std::string_view content_type;    ///< the blob's; empty with put_block
  std::string_view content_length;  ///< of the body, in decimal; empty with put_block_list
  std::uint64_t body_bytes = 0;     ///< the same as a number
  std::string_view block_id;        ///< base64 as in the URL, decoded; empty without a block

  /// Reads it from a signature request's query. Its views point into `buffer`. Parameters of other names are
  /// ignored. Errors: missing_parameter, duplicate_parameter, bad_encoding, bad_request (a value that no such
  /// PUT can have, or a parameter of another operation).
  [[nodiscard]] static Result<DeclaredPut> parse(std::string_view query, std::string& buffer);
};

/// What a SAS for a declared PUT binds: the headers and query parameters that the request has to carry with
/// these very values. Its spans point into itself and into what it was made of.
class RequestBinding {
 public:
  /// Binds nothing.
  RequestBinding() = default;
  explicit RequestBinding(const DeclaredPut& put);

  [[nodiscard]] std::span<const NamedValue> headers() const { return {headers_.data(), header_count_}; }
  [[nodiscard]] std::span<const NamedValue> query_parameters() const {
    return {query_parameters_.data(), query_parameter_count_};
  }

 private:
  void add_header(std::string_view name, std::string_view value) {
    headers_.at(header_count_++) = {name, value};
  }
  void add_query_parameter(std::string_view name, std::string_view value) {
    query_parameters_.at(query_parameter_count_++) = {name, value};
  }

  std::array<NamedValue, 3> headers_;
  std::size_t header_count_ = 0;
  std::array<NamedValue, 2> query_parameters_;
  std::size_t query_parameter_count_ = 0;
};

}  // namespace blobvalet
