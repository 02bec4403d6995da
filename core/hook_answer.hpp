#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace blobvalet {

/// What the site's application said, cleaned for the browser.
struct HookAnswer {
  bool success = true;        ///< false: `"success":false`, or an `error` that is neither null nor empty
  bool reset = false;         ///< true only for `true`
  bool keeps_retry = false;   ///< `"preventRetry":false` was said; a refusal prevents retries otherwise
  std::string error;          ///< text for the user; empty: none
  std::string thumbnail_url;  ///< empty: none
  std::string members;        ///< all other members as JSON, each behind a comma: `,"id":7,"tags":["a"]`

  /// The JSON nests at most this deep.
  static constexpr int kMaxDepth = 32;

  /// Reads an object. Members that are ours (`success`, `code`, `verified`, and if `with_properties` also
  /// `size`, `content_type`, `etag`, `last_modified`) are left out, as are those that would pollute
  /// prototypes, at every depth; of a member that comes twice, the first counts. An `error` that is no text
  /// becomes a general one. Nothing if `json` is no object, malformed, not UTF-8 or too deep.
  [[nodiscard]] static std::optional<HookAnswer> parse(std::string_view json, bool with_properties);
};

/// `text` as a JSON string, quotes included. What is not UTF-8 cannot stand in JSON: its bytes beyond ASCII
/// become `?`.
[[nodiscard]] std::string json_string(std::string_view text);

}  // namespace blobvalet
