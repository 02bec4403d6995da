#pragma once
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "core/config.hpp"

namespace blobvalet {

/// One CORS rule of a storage account ("Set Blob Service Properties", learn.microsoft.com), each member as
/// the text that the service keeps: rules of others go back exactly as they came.
struct CorsRule {
  std::string origins;
  std::string methods;
  std::string headers;
  std::string exposed;
  std::string max_age;

  friend bool operator==(const CorsRule&, const CorsRule&) = default;
};

/// The rules in an answer of Get Blob Service Properties, or why it is none.
[[nodiscard]] tl::expected<std::vector<CorsRule>, std::string> parse_cors_rules(std::string_view xml);

/// The body of Set Blob Service Properties that replaces the rules and nothing else.
[[nodiscard]] std::string cors_rules_xml(const std::vector<CorsRule>& rules);

/// True if both are the same rules in the same order; within a rule the order of items, blanks around them,
/// and the case of headers do not matter.
[[nodiscard]] bool same_rules(const std::vector<CorsRule>& a, const std::vector<CorsRule>& b);

/// What one site's pages need of one account.
struct CorsNeeds {
  std::vector<std::string> origins;
  std::vector<std::string> methods;  ///< PUT, DELETE, GET and HEAD, as far as rules grant them
  std::vector<std::string> headers;  ///< in lower case; one may end with `*`
  std::chrono::seconds max_age{};
  std::string owner;

  /// The rule that grants exactly this. Its marker among the exposed headers tells it from rules of others.
  [[nodiscard]] CorsRule rule() const;
  [[nodiscard]] bool owns(const CorsRule& rule) const;
};

/// What `config` needs of `account`. `more_origins` are added to those of the configuration.
[[nodiscard]] CorsNeeds cors_needs(const Config& config, std::size_t account,
                                   const std::vector<std::string>& more_origins);

/// What to do with an account's rules.
struct CorsPlan {
  std::vector<CorsRule> rules;  ///< how they should be
  bool changes = false;         ///< they are not like that yet
  std::string why;              ///< for operators
};

/// Compares what the account has with what is needed. The first rule whose origin and method fit decides a
/// preflight, whatever stands behind it ("CORS support for Azure Storage"). So:
/// - where rules of others grant all that is needed, nothing changes;
/// - else our rule goes behind them, or, if one of them would decide in its place, before them, and then also
///   allows the headers that they allow: nobody loses anything;
/// - a rule of ours that is there is replaced, and rules of others stay as they are, in their order.
/// Fails, with the reason, if there is no room for another rule, or for its origins and headers.
[[nodiscard]] tl::expected<CorsPlan, std::string> plan_cors(const std::vector<CorsRule>& existing,
                                                            const CorsNeeds& needs);

/// The rule that decides a preflight of this origin and method; null: none.
[[nodiscard]] const CorsRule* deciding_rule(const std::vector<CorsRule>& rules, std::string_view origin,
                                            std::string_view method);

/// True if the rule allows the header, which may be a prefix such as `x-ms-meta-*`.
[[nodiscard]] bool allows_header(const CorsRule& rule, std::string_view header);

/// The items of a list as rules have them, separated by commas; blanks around them do not count.
[[nodiscard]] std::vector<std::string_view> cors_items(std::string_view list);

}  // namespace blobvalet
