#include "core/policy.hpp"

#include <algorithm>
#include <span>

namespace blobvalet {
namespace {

/// Why one rule does not allow a request; a later value means that the rule came closer.
enum class Miss : std::uint8_t { no_rule, verb, no_user, unusable_user, name, empty_segment, client_ip };

StaticText describe(Miss miss) {
  switch (miss) {
    case Miss::no_rule: return "no rule for this container";
    case Miss::verb: return "no rule for this verb";
    case Miss::no_user: return "the rule needs a user";
    case Miss::unusable_user: return "the user's name cannot be a path segment";
    case Miss::name: return "no pattern matches the name";
    case Miss::empty_segment: return "the rule does not allow empty segments";
    case Miss::client_ip: return "the client's address is not IPv4";
  }
  return "";
}

/// A SAS can be bound to IPv4 addresses only.
bool is_ipv4(std::string_view address) {
  return !address.empty() && address.size() <= 15 &&
         address.find_first_not_of("0123456789.") == std::string_view::npos &&
         std::ranges::count(address, '.') == 3;
}

/// Nothing if the rule allows the request.
std::optional<Miss> why_not(const Rule& rule, const BlobTarget& target, BlobVerb verb, const Caller& caller) {
  if (rule.permissions(verb).text().empty()) return Miss::verb;
  if (!rule.anonymous && caller.user.empty()) return Miss::no_user;
  if (!rule.anonymous && !is_segment_value(caller.user)) return Miss::unusable_user;
  const auto matches = [&](const NamePattern& p) { return p.matches(target.blob.view(), caller); };
  if (std::ranges::none_of(rule.blobs, matches)) return Miss::name;
  if (target.blob.has_empty_segment() && !rule.allow_empty_segments) return Miss::empty_segment;
  if (rule.sas.bind_client_ip && !is_ipv4(caller.remote_addr)) return Miss::client_ip;
  return std::nullopt;
}

/// What a rule with `list` lets its users see is what they may put there, or at least take away.
BlobVerb listing_verb(const Rule& rule) {
  return rule.permissions(BlobVerb::put).text().empty() ? BlobVerb::del : BlobVerb::put;
}

/// The part of what `rule` allows that lies in `folder`: the longer of two prefixes, if it begins with the
/// other.
void add_prefixes(std::vector<std::string>& prefixes, const Rule& rule, std::string_view folder,
                  const Caller& caller) {
  for (const NamePattern& pattern : rule.blobs) {
    auto prefix = pattern.prefix_for(caller);
    if (!prefix) continue;
    if (folder.starts_with(*prefix)) prefix->assign(folder);
    if (prefix->starts_with(folder)) prefixes.push_back(std::move(*prefix));
  }
}

/// Sorted, and without those that begin with another.
void drop_nested(std::vector<std::string>& prefixes) {
  std::ranges::sort(prefixes);
  std::vector<std::string> outer;
  for (std::string& prefix : prefixes) {
    if (outer.empty() || !prefix.starts_with(outer.back())) outer.push_back(std::move(prefix));
  }
  prefixes = std::move(outer);
}

/// The first rule in the order of the configuration that `allows`, of those that may match `name`; null:
/// none.
template <class Allows>
const Rule* first_rule(const RuleIndex& rules, std::string_view name, Allows allows) {
  const Rule* first = nullptr;
  rules.look(name, [&](const RuleIndex::Group& group) {
    for (const Rule* rule : group) {
      // All rules stand in one vector, in their order.
      if (first != nullptr && rule >= first) return;
      if (allows(*rule)) first = rule;
    }
  });
  return first;
}

/// How close those rules came whose patterns do not match: the closest of them, if some allow the verb to
/// all, or to users.
Miss closest_by_name(bool to_all, bool to_users, const Caller& caller) {
  if (to_all) return Miss::name;
  if (!to_users) return Miss::verb;
  if (caller.user.empty()) return Miss::no_user;
  return is_segment_value(caller.user) ? Miss::name : Miss::unusable_user;
}

std::string_view ip_for(const Rule& rule, const Caller& caller) {
  return rule.sas.bind_client_ip ? caller.remote_addr : std::string_view(rule.sas.ip_range);
}

std::string_view letters_for(ServiceOperation operation) {
  switch (operation) {
    case ServiceOperation::read: return "r";
    case ServiceOperation::remove: return "d";
    case ServiceOperation::tag: return "t";
  }
  return "";
}

}  // namespace

SasGrant::SasGrant(const BlobTarget& target, BlobVerb verb, const Rule& rule, std::string_view ip,
                   UtcSeconds now)
    : target_(target),
      rule_(&rule),
      permissions_(rule.permissions(verb).text()),
      ip_(ip),
      encryption_scope_(rule.sas.encryption_scope),
      lifetime_(verb == BlobVerb::put ? rule.sas.put_lifetime : rule.sas.delete_lifetime),
      expiry_(now + lifetime_),
      used_until_(expiry_),
      lacks_binding_(rule.bind_request && verb == BlobVerb::put) {
  if (rule.sas.start_backdate) start_ = now - *rule.sas.start_backdate;
}

SasGrant SasGrant::bound_to(const DeclaredPut& put) const {
  SasGrant grant = *this;
  grant.declared_put_ = put;
  grant.lacks_binding_ = false;
  return grant;
}

SasGrant SasGrant::for_service(ServiceOperation operation, UtcSeconds now) const {
  constexpr std::chrono::minutes kLifetime{5};
  SasGrant grant = *this;
  grant.target_.endpoint_url = target_.account_url;
  grant.permissions_ = letters_for(operation);
  grant.ip_ = {};
  grant.encryption_scope_ = {};
  grant.start_.reset();
  grant.declared_put_.reset();
  grant.lacks_binding_ = false;
  grant.lifetime_ = kLifetime;
  grant.expiry_ = now + kLifetime;
  grant.used_until_ = now + std::chrono::ceil<std::chrono::seconds>(rule_->verify.deadline);
  return grant;
}

SasGrant SasGrant::for_viewing(std::string_view content_type, std::chrono::seconds lifetime,
                               UtcSeconds now) const {
  SasGrant grant = for_service(ServiceOperation::read, now);
  grant.target_.endpoint_url = target_.endpoint_url;
  grant.content_type_ = content_type;
  grant.content_disposition_ = "attachment";
  grant.lifetime_ = lifetime;
  grant.expiry_ = grant.used_until_ = now + lifetime;
  return grant;
}

Policy::Policy(std::vector<Rule> rules) : rules_(std::move(rules)) {
  for (const Rule& rule : rules_) {
    if (by_account_.size() <= rule.account_index) by_account_.resize(rule.account_index + 1);
    by_account_[rule.account_index][rule.container].add(rule);
    some_rule_needs_user_ |= !rule.anonymous;
    has_limits_ |= rule.limit.has_value();
    lists_ |= rule.list;
    for (const NamePattern& pattern : rule.blobs)
      pattern.add_parameters(parameter_names_);
  }
}

void Policy::ContainerRules::add(const Rule& rule) {
  in_order.push_back(&rule);
  for (const NamePattern& pattern : rule.blobs)
    by_name.add(pattern, rule);
  if (rule.list && !rule.anonymous) {
    listing.push_back(&rule);
    for (const NamePattern& pattern : rule.blobs)
      listing_by_name.add(pattern, rule);
  }
  for (const BlobVerb verb : {BlobVerb::put, BlobVerb::del}) {
    if (rule.permissions(verb).text().empty()) continue;
    (rule.anonymous ? to_all : to_users).at(static_cast<std::size_t>(verb)) = true;
  }
}

const Policy::ContainerRules* Policy::rules_for(const BlobTarget& target) const {
  if (target.account_index >= by_account_.size()) return nullptr;
  const RulesByContainer& by_container = by_account_[target.account_index];
  const auto found = by_container.find(target.container.view());
  return found == by_container.end() ? nullptr : &found->second;
}

/// The first rule in the order of the configuration that allows the request; null: none does, and how close
/// they came.
struct Policy::Decision {
  const Rule* rule = nullptr;
  Miss closest = Miss::no_rule;
};

Policy::Decision Policy::first_to_allow(const BlobTarget& target, BlobVerb verb, const Caller& caller) const {
  Decision decision;
  const ContainerRules* rules = rules_for(target);
  if (rules == nullptr) return decision;
  const auto index = static_cast<std::size_t>(verb);
  decision.closest = closest_by_name(rules->to_all.at(index), rules->to_users.at(index), caller);
  decision.rule = first_rule(rules->by_name, target.blob.view(), [&](const Rule& rule) {
    const auto miss = why_not(rule, target, verb, caller);
    decision.closest = std::max(decision.closest, miss.value_or(Miss::no_rule));
    return !miss;
  });
  return decision;
}

Result<SasGrant> Policy::decide(const BlobTarget& target, BlobVerb verb, const Caller& caller,
                                UtcSeconds now) const {
  const auto [rule, closest] = first_to_allow(target, verb, caller);
  if (rule != nullptr) return SasGrant(target, verb, *rule, ip_for(*rule, caller), now);
  // From here on the answer must not depend on `closest` but in the log.
  if (target.blob.has_empty_segment()) {
    return refuse(Errc::bad_blob_name, "blob name",
                  "has an empty segment; check that request.endpoint does not end with a slash",
                  describe(closest));
  }
  if (caller.user.empty() && some_rule_needs_user_) {
    return refuse(Errc::login_required, "", "log in first", describe(closest));
  }
  return refuse(Errc::not_allowed, "bloburi", "is not allowed", describe(closest));
}

Result<std::vector<ListGrant>> Policy::list(const BlobTarget& sample, std::string_view folder,
                                            const Caller& caller) const {
  const ContainerRules* rules = rules_for(sample);
  const std::span<const Rule* const> listing = rules != nullptr && is_segment_value(caller.user)
                                                   ? std::span(rules->listing)
                                                   : std::span<const Rule* const>();
  std::vector<std::string> prefixes;
  for (const Rule* rule : listing)
    add_prefixes(prefixes, *rule, folder, caller);
  drop_nested(prefixes);
  std::vector<ListGrant> grants;
  grants.reserve(prefixes.size());
  for (std::string& prefix : prefixes)
    grants.push_back(ListGrant(sample, std::move(prefix), *listing.front(), rules->listing_by_name, caller));
  const bool has_odd_slash = sample.blob.has_empty_segment();
  const auto takes_odd_slashes = [](const Rule* rule) { return rule->allow_empty_segments; };
  if (!grants.empty() && (!has_odd_slash || std::ranges::any_of(listing, takes_odd_slashes))) return grants;
  if (has_odd_slash) {
    return refuse(Errc::bad_blob_name, "container",
                  "has an empty segment; check that request.endpoint does not end with a slash");
  }
  if (caller.user.empty() && some_rule_needs_user_)
    return refuse(Errc::login_required, "", "log in first", "listing needs a user");
  return refuse(Errc::not_allowed, "container", "is not allowed", "no rule with list for this folder");
}

std::optional<SasGrant> ListGrant::admit(const BlobTarget& target, UtcSeconds now) const {
  const bool is_here = target.account_index == folder_.account_index &&
                       target.container.view() == folder_.container.view() &&
                       target.blob.view().starts_with(prefix_);
  if (!is_here) return std::nullopt;
  const auto allows = [&](const Rule& rule) { return !why_not(rule, target, listing_verb(rule), caller_); };
  const Rule* rule = first_rule(*rules_, target.blob.view(), allows);
  if (rule == nullptr) return std::nullopt;
  return SasGrant(target, listing_verb(*rule), *rule, ip_for(*rule, caller_), now);
}

std::vector<RuleOpinion> Policy::opinions(const BlobTarget& target, BlobVerb verb,
                                          const Caller& caller) const {
  std::vector<RuleOpinion> opinions;
  const auto* rules = rules_for(target);
  if (rules == nullptr) return opinions;
  for (const Rule* rule : rules->in_order) {
    const auto miss = why_not(*rule, target, verb, caller);
    opinions.push_back({rule, miss ? describe(*miss) : ""});
  }
  return opinions;
}

}  // namespace blobvalet
