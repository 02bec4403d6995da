#include "fcgi/record_gate.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

namespace blobvalet::fcgi {
namespace {

using Bytes = std::span<const unsigned char>;

// Record types and the role, FastCGI Specification section 8; libfcgi's fastcgi.h is no public header of the
// installed library's API.
constexpr unsigned kVersion = 1;
constexpr unsigned kBeginRequest = 1;
constexpr unsigned kParams = 4;
constexpr unsigned kStdin = 5;
constexpr unsigned kResponder = 1;
constexpr std::size_t kHeaderBytes = 8;
constexpr std::size_t kBeginBytes = 8;

struct Record {
  unsigned version;
  unsigned type;
  unsigned id;
  Bytes content;
  bool is_padded;
};

unsigned big_endian_16(Bytes bytes) {
  return static_cast<unsigned>(bytes[0]) << 8U | bytes[1];
}

/// Takes one record off the front of `bytes`; nothing if it is not all there yet.
std::optional<Record> take_record(Bytes& bytes) {
  if (bytes.size() < kHeaderBytes) return std::nullopt;
  const std::size_t content = big_endian_16(bytes.subspan(4));
  const std::size_t padding = bytes[6];
  if (bytes.size() < kHeaderBytes + content + padding) return std::nullopt;
  const Record record{bytes[0], bytes[1], big_endian_16(bytes.subspan(2)),
                      bytes.subspan(kHeaderBytes, content), padding > 0};
  bytes = bytes.subspan(kHeaderBytes + content + padding);
  return record;
}

/// Follows the name-value pairs of the PARAMS stream, which may be cut into records anywhere.
class PairWalker {
 public:
  explicit PairWalker(const GateLimits& limits) : limits_(limits) {}

  /// False as soon as the stream is out of bounds.
  [[nodiscard]] bool feed(Bytes content) {
    total_ += content.size();
    if (total_ > limits_.params_bytes) return false;
    while (!content.empty()) {
      if (data_left_ > 0) {
        if (!skip_data(content)) return false;
      } else if (!feed_length_byte(content)) {
        return false;
      }
    }
    return true;
  }
  [[nodiscard]] bool at_boundary() const {
    return data_left_ == 0 && lengths_known_ == 0 && length_bytes_left_ == 0;
  }

 private:
  /// A NUL would end the text early for libfcgi, which keeps parameters as C strings.
  [[nodiscard]] bool skip_data(Bytes& content) {
    const std::size_t n = std::min(data_left_, content.size());
    const auto data = content.first(n);
    if (std::memchr(data.data(), 0, n) != nullptr) return false;
    data_left_ -= n;
    content = content.subspan(n);
    return true;
  }

  /// A length below 128 is one byte, any other is four with the top bit set.
  [[nodiscard]] bool feed_length_byte(Bytes& content) {
    const unsigned byte = content.front();
    content = content.subspan(1);
    if (length_bytes_left_ == 0 && byte >= 0x80) {
      length_ = byte & 0x7fU;
      length_bytes_left_ = 3;
      return true;
    }
    length_ = length_bytes_left_ == 0 ? byte : length_ << 8U | byte;
    if (length_bytes_left_ > 0 && --length_bytes_left_ > 0) return true;
    return finish_length();
  }

  [[nodiscard]] bool finish_length() {
    if (length_ > limits_.params_bytes) return false;
    pending_ += length_;
    if (++lengths_known_ < 2) return true;
    lengths_known_ = 0;
    data_left_ = pending_;
    pending_ = 0;
    return ++pairs_ <= limits_.pairs && data_left_ <= limits_.params_bytes;
  }

  const GateLimits& limits_;
  std::size_t total_ = 0;
  std::size_t pairs_ = 0;
  std::size_t data_left_ = 0;  ///< bytes of the current pair's name and value still to come
  std::size_t pending_ = 0;    ///< sum of the lengths read of the next pair
  std::size_t length_ = 0;     ///< the length being read
  unsigned length_bytes_left_ = 0;
  unsigned lengths_known_ = 0;
};

// libfcgi does not skip the padding of BEGIN_REQUEST and of empty records: it takes it for the next record,
// which could be one that it does not survive. Web servers pad neither.
bool is_begin_for_responder(const Record& record) {
  return !record.is_padded && record.version == kVersion && record.type == kBeginRequest && record.id != 0 &&
         record.content.size() == kBeginBytes && big_endian_16(record.content) == kResponder;
}

bool continues(const Record& record, unsigned type, unsigned id) {
  if (record.is_padded && record.content.empty()) return false;
  return record.version == kVersion && record.type == type && record.id == id;
}

/// Judges a beginning too short to be a record: its first bytes may already be wrong.
GateVerdict judge_rest(Bytes rest, unsigned type, unsigned id) {
  const bool wrong = (!rest.empty() && rest[0] != kVersion) || (rest.size() > 1 && rest[1] != type) ||
                     (rest.size() > 3 && id != 0 && big_endian_16(rest.subspan(2)) != id);
  return wrong ? GateVerdict::malformed : GateVerdict::incomplete;
}

/// Walks PARAMS; on success `bytes` begins behind the empty record, and the verdict is `whole`.
GateVerdict walk_params(Bytes& bytes, unsigned id, const GateLimits& limits) {
  PairWalker pairs(limits);
  while (true) {
    const auto record = take_record(bytes);
    if (!record) return judge_rest(bytes, kParams, id);
    if (!continues(*record, kParams, id)) return GateVerdict::malformed;
    if (record->content.empty()) return pairs.at_boundary() ? GateVerdict::whole : GateVerdict::malformed;
    if (!pairs.feed(record->content)) return GateVerdict::malformed;
  }
}

/// How many bytes of content the header at the front of `bytes` announces; 0 if it is not all there.
std::size_t announced_content(Bytes bytes) {
  return bytes.size() < kHeaderBytes ? 0 : big_endian_16(bytes.subspan(4));
}

GateVerdict walk_body(Bytes bytes, unsigned id, const GateLimits& limits) {
  std::size_t total = 0;
  while (true) {
    const std::size_t announced = announced_content(bytes);
    const auto record = take_record(bytes);
    const GateVerdict rest = record ? GateVerdict::incomplete : judge_rest(bytes, kStdin, id);
    if (rest == GateVerdict::malformed || (record && !continues(*record, kStdin, id)))
      return GateVerdict::malformed;
    total += announced;
    if (total > limits.body_bytes) return GateVerdict::body_too_large;
    if (!record) return rest;
    if (record->content.empty()) return bytes.empty() ? GateVerdict::whole : GateVerdict::malformed;
  }
}

}  // namespace

GateVerdict inspect_records(std::span<const unsigned char> bytes, const GateLimits& limits) {
  const auto begin = take_record(bytes);
  if (!begin) return judge_rest(bytes, kBeginRequest, 0);
  if (!is_begin_for_responder(*begin)) return GateVerdict::malformed;
  const GateVerdict params = walk_params(bytes, begin->id, limits);
  return params == GateVerdict::whole ? walk_body(bytes, begin->id, limits) : params;
}

}  // namespace blobvalet::fcgi
