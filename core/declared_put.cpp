#include "core/declared_put.hpp"

#include <optional>

#include "core/base64.hpp"
#include "core/decimal.hpp"
#include "core/form_urlencoded.hpp"
#include "core/media_type.hpp"
#include "core/percent_encoding.hpp"

namespace blobvalet {
namespace {

/// The parameters, decoded.
struct Parameters {
  std::optional<std::string_view> operation;
  std::optional<std::string_view> content_type;
  std::optional<std::string_view> content_length;
  std::optional<std::string_view> block_id;

  /// The value that a parameter of this name is to fill; null for a name that we ignore.
  std::optional<std::string_view>* slot(std::string_view name) {
    if (name == "operation") return &operation;
    if (name == "content_type") return &content_type;
    if (name == "content_length") return &content_length;
    if (name == "block_id") return &block_id;
    return nullptr;
  }
};

Result<Parameters> collect(std::string_view query, std::string& buffer) {
  Parameters found;
  buffer.clear();
  buffer.reserve(query.size());  // decoding never makes a text longer
  FormReader reader(query);
  while (const auto pair = reader.next()) {
    const std::size_t begin = buffer.size();
    const auto name = decode_form_behind(buffer, pair->name);
    if (!name) return malformed_escape("query");
    auto* slot = found.slot(*name);
    buffer.resize(begin);
    if (slot == nullptr) continue;
    if (*slot) {
      return refuse(Errc::duplicate_parameter, "query",
                    "gives operation, content_type, content_length or block_id more than once");
    }
    *slot = decode_form_behind(buffer, pair->value);
    if (!*slot) return malformed_escape("query");
  }
  return found;
}

bool is_block_id(std::string_view text) {
  const auto size = decoded_base64_size(text);
  return size && *size <= DeclaredPut::kMaxBlockIdBytes;
}

/// That each parameter of the operation is there, and none that it has no use for: whoever gives one believes
/// that it will be bound.
Result<void> check_presence(PutOperation operation, const Parameters& given) {
  const bool has_type = operation != PutOperation::put_block;
  const bool has_length = operation != PutOperation::put_block_list;
  const bool has_block_id = operation == PutOperation::put_block;
  constexpr StaticText kMissing = "is missing";
  constexpr StaticText kUnused = "does not belong to this operation";
  if (has_type && !given.content_type) return refuse(Errc::missing_parameter, "content_type", kMissing);
  if (has_length && !given.content_length) return refuse(Errc::missing_parameter, "content_length", kMissing);
  if (has_block_id && !given.block_id) return refuse(Errc::missing_parameter, "block_id", kMissing);
  if (!has_type && given.content_type) return refuse(Errc::bad_request, "content_type", kUnused);
  if (!has_length && given.content_length) return refuse(Errc::bad_request, "content_length", kUnused);
  if (!has_block_id && given.block_id) return refuse(Errc::bad_request, "block_id", kUnused);
  return {};
}

/// Azure stores an empty blob, but no empty block.
bool is_possible_length(PutOperation operation, std::uint64_t bytes) {
  if (operation == PutOperation::put_blob) return bytes <= DeclaredPut::kMaxBlobBytes;
  return bytes >= 1 && bytes <= DeclaredPut::kMaxBlockBytes;
}

/// The body's length, of which a list says nothing.
Result<std::uint64_t> check_values(PutOperation operation, const Parameters& given) {
  // An empty type is refused, too: whether Azure takes an empty header for one that is there is nowhere
  // written, and one that is not bound could then be anything.
  if (given.content_type && !is_media_type(*given.content_type)) {
    return refuse(Errc::bad_request, "content_type", "must be a media type such as image/png");
  }
  if (given.block_id && !is_block_id(*given.block_id)) {
    return refuse(Errc::bad_request, "block_id", "must be base64 of 1 to 64 bytes");
  }
  if (!given.content_length) return 0;
  const auto length = parse_decimal(*given.content_length);
  if (length && is_possible_length(operation, *length)) return *length;
  return refuse(Errc::bad_request, "content_length",
                "must be a number of bytes that Azure takes in one request");
}

}  // namespace

std::string_view name_of(PutOperation operation) {
  switch (operation) {
    case PutOperation::put_blob: return "put_blob";
    case PutOperation::put_block: return "put_block";
    case PutOperation::put_block_list: return "put_block_list";
  }
  return "";
}

std::optional<PutOperation> parse_put_operation(std::string_view text) {
  if (text == "put_blob") return PutOperation::put_blob;
  if (text == "put_block") return PutOperation::put_block;
  if (text == "put_block_list") return PutOperation::put_block_list;
  return std::nullopt;
}

Result<DeclaredPut> DeclaredPut::parse(std::string_view query, std::string& buffer) {
  const Result<Parameters> given = collect(query, buffer);
  if (!given) return tl::unexpected(given.error());
  if (!given->operation) return refuse(Errc::missing_parameter, "operation", "is missing");
  const auto operation = parse_put_operation(*given->operation);
  if (!operation) {
    return refuse(Errc::bad_request, "operation", "must be put_blob, put_block or put_block_list");
  }
  const auto complete = check_presence(*operation, *given);
  if (!complete) return tl::unexpected(complete.error());
  const auto body_bytes = check_values(*operation, *given);
  if (!body_bytes) return tl::unexpected(body_bytes.error());
  return DeclaredPut{*operation, given->content_type.value_or(""), given->content_length.value_or(""),
                     *body_bytes, given->block_id.value_or("")};
}

// What Fine Uploader 5.16 and Chromium really send (measured) decides what can be bound: all of it is known
// before the signature is asked for.
//  - Put Blob: Content-Length, Content-Type and x-ms-blob-type. No query parameter: only one that is there
//    can be bound, so that the same SAS also allows a Put Block of this very length.
//  - Put Block: Content-Length and no Content-Type; `comp` and `blockid` in the query.
//  - Put Block List: the blob's type stands in x-ms-blob-content-type. Content-Type is text/plain and decides
//    nothing, and Content-Length depends on how the browser writes XML and limits nothing that is stored.
RequestBinding::RequestBinding(const DeclaredPut& put) {
  switch (put.operation) {
    case PutOperation::put_blob:
      add_header("content-type", put.content_type);
      add_header("content-length", put.content_length);
      add_header("x-ms-blob-type", "BlockBlob");
      break;
    case PutOperation::put_block:
      add_header("content-length", put.content_length);
      add_query_parameter("comp", "block");
      add_query_parameter("blockid", put.block_id);
      break;
    case PutOperation::put_block_list:
      add_header("x-ms-blob-content-type", put.content_type);
      add_query_parameter("comp", "blocklist");
      break;
  }
}

}  // namespace blobvalet
