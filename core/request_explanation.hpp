#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/logged_request.hpp"
#include "core/sas_findings.hpp"
#include "core/site_rules.hpp"

namespace blobvalet {

/// What one rule says of a request, in words.
struct RuleRemark {
  std::string verb;
  std::string rule;
  std::string patterns;   ///< with the caller's values in them
  std::string objection;  ///< empty: it allows it
  bool decides = false;   ///< the first that does
};

/// What can be said of a request to blobvalet.
struct RequestExplanation {
  std::vector<Finding> findings;
  std::vector<std::pair<std::string, std::string>>
      parts;  ///< account, container and so on, as they were read
  std::vector<RuleRemark> rules;

  [[nodiscard]] bool has_fault() const;
};

/// Who asks for what.
struct AskedRequest {
  std::string_view blob_uri;
  Caller caller;
  std::vector<BlobVerb> verbs;
  UploadHints hints = {};
};

/// Says how a `bloburi` is read, and which rule allows it to the caller or why none does. `rules` may be
/// null: then only the text itself is looked at.
[[nodiscard]] RequestExplanation explain_request(const AskedRequest& asked, const SiteRules* rules);

/// Says what a line of the log means: what the client was told, why, and how to mend it; and what the rules
/// of now say.
[[nodiscard]] RequestExplanation explain_logged(const LoggedRequest& line, const SiteRules* rules);

/// Says what a browser's or nginx's complaint means, which has neither a SAS nor an error of Azure's in it;
/// nothing for a text that is none of those known here.
[[nodiscard]] std::optional<RequestExplanation> explain_complaint(std::string_view text);

/// A request to blobvalet out of a line of nginx's access log: its `bloburi`, `_method` and hints, decoded.
struct NginxRequest {
  std::string blob_uri;
  std::optional<BlobVerb> verb;
  std::optional<std::uint64_t> file_size;  ///< `qqsize`
  std::string file_type;                   ///< `qqtype`
  std::string user;                        ///< of the combined form; empty: none
  std::string status;                      ///< empty: not there
  [[nodiscard]] static std::optional<NginxRequest> find(std::string_view text);
};

}  // namespace blobvalet
