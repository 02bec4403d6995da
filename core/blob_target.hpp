#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/result.hpp"
#include "core/string_hash.hpp"

namespace blobvalet {

/// A container's name: 3 to 63 of `a-z 0-9 -`, alphanumeric at both ends, no `--`; or `$root`, `$web`.
class ContainerName {
 public:
  [[nodiscard]] static std::optional<ContainerName> parse(std::string_view text);
  [[nodiscard]] std::string_view view() const { return text_; }

 private:
  explicit ContainerName(std::string_view text) : text_(text) {}
  std::string_view text_;
};

/// A blob's name, decoded, and safe to sign: 1 to 1,024 UTF-16 units and at most 254 segments of well-formed
/// UTF-8 without backslashes, dot segments (also percent-written), control characters, private-use characters
/// (U+E000 to U+F8FF) and non-characters ("Naming and Referencing Containers, Blobs, and Metadata",
/// learn.microsoft.com). A trailing dot is kept as it is. Empty segments are legal here and left to the
/// policy.
class BlobName {
 public:
  static constexpr std::size_t kMaxUtf16Units = 1024;
  static constexpr std::size_t kMaxSegments = 254;

  /// Errors: bad_encoding (no UTF-8), bad_blob_name (everything else).
  [[nodiscard]] static Result<BlobName> parse(std::string_view text);
  [[nodiscard]] std::string_view view() const { return text_; }
  [[nodiscard]] bool has_empty_segment() const { return has_empty_segment_; }

 private:
  BlobName(std::string_view text, bool has_empty_segment)
      : text_(text), has_empty_segment_(has_empty_segment) {}
  std::string_view text_;
  bool has_empty_segment_;
};

/// One blob of one configured account. Its views point into the text it was parsed from and into the
/// EndpointTable.
struct BlobTarget {
  std::size_t account_index;  ///< position in Config::accounts
  std::string_view account;
  std::string_view endpoint_url;  ///< the one it was addressed by; as configured, without a slash at its end
  std::string_view account_url;   ///< the account's own endpoint, whatever alias it was addressed by
  ContainerName container;
  BlobName blob;
};

/// How a blob's name stands in `bloburi` and in the callback's `blob`.
enum class BlobNames : std::uint8_t {
  raw,  ///< unencoded, as Fine Uploader sends it: `100%41.txt` is that very name
  uri,  ///< percent-encoded by the page, decoded here exactly once
};

/// An endpoint URL: `http[s]://authority[/path]`, no user info, query, fragment or trailing slash.
struct EndpointUrl {
  std::string origin;  ///< scheme and authority, in lower case
  std::string path;    ///< empty, or `/devstoreaccount1` for a path-style endpoint
  /// Nothing for any other text. One slash at the end is dropped.
  [[nodiscard]] static std::optional<EndpointUrl> parse(std::string_view text);
  [[nodiscard]] std::string url() const { return origin + path; }
};

/// All endpoints of all accounts; finds the one that a blob URI begins with.
class EndpointTable {
 public:
  /// False if the same endpoint is there already. An account's first endpoint is its own, further ones are
  /// aliases.
  [[nodiscard]] bool add(const EndpointUrl& endpoint, std::size_t account_index, std::string_view account);

  /// Parses `<endpoint>/<container>/<blob>`. Scheme and host compare without case, the rest exactly.
  /// `decoded` holds the name's text where `names` is uri; it must outlive the target, as `blob_uri` must.
  /// Errors: unknown_endpoint, not_allowed (no legal container), bad_blob_name, bad_encoding, bad_request.
  [[nodiscard]] Result<BlobTarget> parse(std::string_view blob_uri, BlobNames names,
                                         std::string& decoded) const;

 private:
  struct Entry {
    std::string url;
    std::size_t path_length;
    std::size_t account_index;
    std::string account;
  };
  /// The endpoints of one scheme and authority. Finding one costs a search for each distinct length of their
  /// paths, however many there are.
  struct Origin {
    std::unordered_map<std::string, Entry, StringHash, std::equal_to<>> by_path;
    std::vector<std::size_t> lengths;  ///< of the paths, each once, the longest first
  };
  [[nodiscard]] const Entry* find(std::string_view origin, std::string_view rest) const;
  std::unordered_map<std::string, Origin, StringHash, std::equal_to<>> by_origin_;
  std::vector<std::string> account_urls_;  ///< by account_index
};

}  // namespace blobvalet
