#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/logged_request.hpp"
#include "core/site_rules.hpp"

namespace blobvalet {

/// What would become of a request that was logged.
struct Replayed {
  enum class Kind : std::uint8_t {
    same,       ///< the rules say of it what they said
    refused,    ///< it was granted
    granted,    ///< it was refused
    otherwise,  ///< granted then and now, but by another rule or with other rights
    unjudged,   ///< the log does not say what it would take to know
    not_ruled,  ///< answered before any rule was asked, and no change of rules can change that
  };
  Kind kind = Kind::same;
  std::string before;  ///< what was said of it: `granted by own-folder (cw, 900 s)`; for a change only
  std::string after;   ///< what would be said
  std::string why;     ///< of one that is not judged
};

/// Evaluates requests of the log by other rules than those that answered them. It judges what rules decide:
/// not the hook's verdict, nor Azure's, but where a line says what Azure said of a blob, the checks of its
/// size, type and extension too. It takes for granted that the page goes on sending what it sent.
class Replay {
 public:
  explicit Replay(SiteRules rules) : rules_(std::move(rules)) {}

  [[nodiscard]] Replayed judge(const LoggedRequest& line);

 private:
  struct Verdict;
  /// What the rules of one container ask of a caller.
  struct Needs {
    std::vector<std::string> parameters;
    bool client_ip = false;
  };
  [[nodiscard]] Replayed judge_target(const LoggedRequest& line, const Result<BlobTarget>& target,
                                      BlobVerb verb);
  [[nodiscard]] Result<BlobTarget> target_of(const LoggedRequest& line);
  [[nodiscard]] const Needs& needs_of(const BlobTarget& target);
  [[nodiscard]] std::optional<std::string> decide(const LoggedRequest& line, const BlobTarget& target,
                                                  BlobVerb verb, Verdict& verdict);

  SiteRules rules_;
  std::string decoded_;
  std::map<std::string, Needs, std::less<>> needs_;  ///< by `account/container`
  std::string key_;
};

}  // namespace blobvalet
