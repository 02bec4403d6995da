#pragma once
#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/blob_target.hpp"
#include "core/declared_put.hpp"
#include "core/name_pattern.hpp"
#include "core/rate_limit.hpp"
#include "core/result.hpp"
#include "core/rule_index.hpp"
#include "core/sas_permissions.hpp"
#include "core/sas_version.hpp"
#include "core/signature_request.hpp"
#include "core/string_hash.hpp"
#include "core/utc_time.hpp"
#include "core/verify_options.hpp"

namespace blobvalet {

/// How a rule's SAS are made; the configuration's `sas`, with what the rule overrides.
struct SasOptions {
  SasVersion version;                                       ///< sv
  std::chrono::seconds put_lifetime{900};                   ///< se of a PUT, from now
  std::chrono::seconds delete_lifetime{300};                ///< se of a DELETE, from now
  std::optional<std::chrono::seconds> start_backdate = {};  ///< st this long ago; nothing: no st
  std::string protocol = "https";                           ///< spr: `https` or `https,http`
  bool bind_client_ip = false;                              ///< sip is the client's IPv4 address
  std::string ip_range;                                     ///< sip; empty: none
  std::string encryption_scope;                             ///< ses; empty: none
};

/// What a rule allows for one verb; no letters: the verb is not allowed.
struct Rule {
  std::string name;
  std::size_t account_index = 0;
  std::string container;
  std::vector<NamePattern> blobs;
  SasPermissions put_permissions;
  SasPermissions delete_permissions;
  bool anonymous = false;             ///< nobody need be logged in
  bool allow_empty_segments = false;  ///< names such as `a//b` or `/a`
  bool list = false;                  ///< its users see what they have uploaded
  bool bind_request = false;          ///< a PUT is declared first, and its SAS fits no other
  SasOptions sas;
  std::optional<RateLimit> limit;  ///< for each user, or address without one; nothing: none
  VerifyOptions verify;            ///< what a callback's blob has to be
  ThumbnailOptions thumbnail;      ///< what its answer shows

  [[nodiscard]] const SasPermissions& permissions(BlobVerb verb) const {
    return verb == BlobVerb::put ? put_permissions : delete_permissions;
  }
};

/// What blobvalet itself does with a blob that a caller may upload.
enum class ServiceOperation : std::uint8_t { read, remove, tag };

/// The proof that the policy allowed one verb on one blob for a while. Only Policy makes one, further ones
/// come from it alone, and only a grant can be signed.
class SasGrant {
 public:
  [[nodiscard]] const BlobTarget& target() const { return target_; }
  [[nodiscard]] const Rule& rule() const { return *rule_; }
  [[nodiscard]] std::string_view permissions() const { return permissions_; }
  [[nodiscard]] std::optional<UtcSeconds> start() const { return start_; }
  /// How long after it was granted that is.
  [[nodiscard]] std::chrono::seconds lifetime() const { return lifetime_; }
  [[nodiscard]] UtcSeconds expiry() const { return expiry_; }
  /// Until when it may be used: its expiry where it is given away, but no later than the deadline of the
  /// callback that it serves where blobvalet keeps it to itself.
  [[nodiscard]] UtcSeconds used_until() const { return used_until_; }
  [[nodiscard]] std::string_view ip() const { return ip_; }
  [[nodiscard]] std::string_view protocol() const { return rule_->sas.protocol; }
  [[nodiscard]] std::string_view encryption_scope() const { return encryption_scope_; }
  [[nodiscard]] const SasVersion& version() const { return rule_->sas.version; }
  [[nodiscard]] std::string_view content_disposition() const { return content_disposition_; }
  [[nodiscard]] std::string_view content_type() const { return content_type_; }
  /// The one PUT that it is for; nothing: any that the permissions allow.
  [[nodiscard]] const std::optional<DeclaredPut>& declared_put() const { return declared_put_; }
  /// True if the rule binds PUTs and this grant, for one, is not bound. It cannot be signed.
  [[nodiscard]] bool lacks_binding() const { return lacks_binding_; }

  /// The same right for this one PUT only, to whose views it points.
  [[nodiscard]] SasGrant bound_to(const DeclaredPut& put) const;
  /// The right to do `operation` on the same blob, for blobvalet itself: five minutes, from any address,
  /// at the account's own endpoint (a custom domain may lead to a cache).
  [[nodiscard]] SasGrant for_service(ServiceOperation operation, UtcSeconds now) const;
  /// The right to show the same blob as an image of `content_type` (which outlives the grant) and as nothing
  /// else: a browser that is led to it stores it instead.
  [[nodiscard]] SasGrant for_viewing(std::string_view content_type, std::chrono::seconds lifetime,
                                     UtcSeconds now) const;

 private:
  friend class Policy;
  friend class ListGrant;
  SasGrant(const BlobTarget& target, BlobVerb verb, const Rule& rule, std::string_view ip, UtcSeconds now);

  BlobTarget target_;
  const Rule* rule_;
  std::string_view permissions_;
  std::string_view ip_;
  std::string_view encryption_scope_;
  std::string_view content_disposition_;  ///< rscd
  std::string_view content_type_;         ///< rsct
  std::optional<UtcSeconds> start_;
  std::chrono::seconds lifetime_;
  UtcSeconds expiry_;
  UtcSeconds used_until_;
  std::optional<DeclaredPut> declared_put_;
  bool lacks_binding_;
};

/// The proof that the policy lets a caller see names below one prefix of one container. Only Policy makes
/// one, only such prefixes are listed, and of what Azure then names only what admit() lets pass is shown.
class ListGrant {
 public:
  [[nodiscard]] const BlobTarget& folder() const { return folder_; }
  [[nodiscard]] const std::string& prefix() const { return prefix_; }
  /// The first of the rules that allow it, by whose options Azure is asked.
  [[nodiscard]] const Rule& rule() const { return *rule_; }

  /// The grant that the caller would get for the blob, if one of these rules matches its name and it is below
  /// the prefix; nothing for any other. Its views point into `target`.
  [[nodiscard]] std::optional<SasGrant> admit(const BlobTarget& target, UtcSeconds now) const;

 private:
  friend class Policy;
  ListGrant(const BlobTarget& folder, std::string prefix, const Rule& rule, const RuleIndex& rules,
            const Caller& caller)
      : folder_(folder), prefix_(std::move(prefix)), rule_(&rule), rules_(&rules), caller_(caller) {}

  BlobTarget folder_;
  std::string prefix_;
  const Rule* rule_;
  const RuleIndex* rules_;  ///< those of the container that list
  Caller caller_;
};

/// What one rule says of a request.
struct RuleOpinion {
  const Rule* rule;
  StaticText objection;  ///< empty: it allows it
};

/// The site's rules. What no rule allows is refused.
class Policy {
 public:
  Policy() = default;
  explicit Policy(std::vector<Rule> rules);
  // The index points into the rules.
  Policy(const Policy&) = delete;
  Policy& operator=(const Policy&) = delete;
  Policy(Policy&&) = default;
  Policy& operator=(Policy&&) = default;
  ~Policy() = default;

  /// Grants `verb` on `target` by the first rule, in the order of the configuration, that allows it. The
  /// grant's views point into `target`, `caller` and this policy. Errors: not_allowed, login_required,
  /// bad_blob_name (empty segment). Which rules or containers exist shows in none of them: what the caller
  /// reads depends on the name's form and on being logged in only.
  [[nodiscard]] Result<SasGrant> decide(const BlobTarget& target, BlobVerb verb, const Caller& caller,
                                        UtcSeconds now) const;
  /// Grants the listing of all names that begin with `folder` (empty, or the name of a blob up to some
  /// character) and that rules with `list` let the caller upload or delete: one grant for each prefix, none
  /// of which begins with another. `sample` is any blob of the container. The grants' views point into
  /// `sample`, `caller` and this policy. Errors: not_allowed, login_required,
  /// bad_blob_name (empty segment).
  [[nodiscard]] Result<std::vector<ListGrant>> list(const BlobTarget& sample, std::string_view folder,
                                                    const Caller& caller) const;
  /// True if some rule lets its users see what they have uploaded.
  [[nodiscard]] bool lists() const { return lists_; }
  /// In the order of the configuration.
  [[nodiscard]] const std::vector<Rule>& rules() const { return rules_; }
  /// True if some rule has a limit.
  [[nodiscard]] bool has_limits() const { return has_limits_; }

  /// What each rule for the target's container says, in the order of the configuration, in which the first
  /// that allows it decides; for operators, who may know all rules.
  [[nodiscard]] std::vector<RuleOpinion> opinions(const BlobTarget& target, BlobVerb verb,
                                                  const Caller& caller) const;
  /// The names that patterns use as `{name}`, `user` aside, each once.
  [[nodiscard]] const std::vector<std::string>& parameter_names() const { return parameter_names_; }

 private:
  /// The rules of one container.
  struct ContainerRules {
    std::vector<const Rule*> in_order;
    RuleIndex by_name;
    // Of them those by which users may list. The configuration allows no anonymous one: it would show what
    // strangers have uploaded.
    std::vector<const Rule*> listing;
    RuleIndex listing_by_name;
    // Whether some rule allows the verb, put or del, at all, to whom.
    std::array<bool, 2> to_all{};
    std::array<bool, 2> to_users{};

    void add(const Rule& rule);
  };
  using RulesByContainer = std::unordered_map<std::string, ContainerRules, StringHash, std::equal_to<>>;
  [[nodiscard]] const ContainerRules* rules_for(const BlobTarget& target) const;
  struct Decision;
  [[nodiscard]] Decision first_to_allow(const BlobTarget& target, BlobVerb verb, const Caller& caller) const;

  std::vector<Rule> rules_;
  std::vector<RulesByContainer> by_account_;
  std::vector<std::string> parameter_names_;
  bool some_rule_needs_user_ = false;
  bool has_limits_ = false;
  bool lists_ = false;
};

}  // namespace blobvalet
