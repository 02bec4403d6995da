#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace blobvalet {

/// What to do if somebody whom we have to ask cannot be asked.
enum class OnFailure : std::uint8_t {
  refuse,  ///< 503, and the client tries again
  accept,  ///< believe the callback, and say so
};

/// What becomes of a blob that breaks a rule.
enum class OnViolation : std::uint8_t { keep, remove, tag };

/// What a callback's blob has to be; the configuration's `success.verify`, with what a rule overrides.
struct VerifyOptions {
  bool enabled = true;                              ///< ask Azure at all
  std::chrono::milliseconds deadline{3000};         ///< for all requests of one callback together
  std::chrono::milliseconds connect_timeout{1000};  ///< for one connection
  OnFailure on_azure_failure = OnFailure::refuse;
  OnViolation on_violation = OnViolation::keep;
  std::uint64_t min_bytes = 0;
  std::optional<std::uint64_t> max_bytes = {};
  std::vector<std::string> content_types = {};  ///< such as `image/*`; empty: any
  std::vector<std::string> extensions = {};     ///< lower case, without the dot; empty: any
  bool magic = false;                           ///< the first bytes must fit the Content-Type
  bool require_filename = false;                ///< there must be metadata `qqfilename`
  std::string size_parameter = {};  ///< the page's parameter that holds the file's size; empty: none
  bool answer_properties = false;   ///< size, type, ETag and date go into the answer, too
};

/// Where the `thumbnailUrl` of an answer comes from, if the application gives none; `success.thumbnail`, or a
/// rule's own. Only for images that browsers show and that cannot hold scripts.
struct ThumbnailOptions {
  enum class Kind : std::uint8_t {
    none,
    read_sas,      ///< the blob itself, by a SAS that can only show an image
    url_template,  ///< `url`
  };
  Kind kind = Kind::none;
  std::chrono::seconds lifetime{3600};  ///< of the SAS
  std::string url = {};                 ///< with `{account}`, `{container}`, `{blob}` and `{uuid}` in it
};

}  // namespace blobvalet
