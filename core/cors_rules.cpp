#include "core/cors_rules.hpp"

#include <algorithm>
#include <array>
#include <pugixml.hpp>
#include <sstream>

#include "core/ascii.hpp"
#include "core/config_warnings.hpp"

namespace blobvalet {
namespace {

// "Set Blob Service Properties", learn.microsoft.com.
constexpr std::size_t kMaxRules = 5;
constexpr std::size_t kMaxOrigins = 64;
constexpr std::size_t kMaxLiteralHeaders = 64;
constexpr std::size_t kMaxPrefixHeaders = 2;
constexpr std::size_t kMaxBytes = 2048;  // of all rules, without the elements' names

constexpr std::string_view kMarker = "x-cors-owner-";

/// An element of a rule, and where its text goes.
struct Member {
  const char* name;
  std::string CorsRule::*text;
};
constexpr std::array<Member, 5> kMembers{{{"AllowedOrigins", &CorsRule::origins},
                                          {"AllowedMethods", &CorsRule::methods},
                                          {"AllowedHeaders", &CorsRule::headers},
                                          {"ExposedHeaders", &CorsRule::exposed},
                                          {"MaxAgeInSeconds", &CorsRule::max_age}}};

std::string joined(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items)
    text.append(text.empty() ? "" : ",").append(item);
  return text;
}

bool has_item(std::string_view list, std::string_view item) {
  const auto items = cors_items(list);
  return std::ranges::find(items, item) != items.end();
}

/// One item of AllowedOrigins: `*`, `https://*.example.com`, or an origin, whose case counts.
bool fits_origin(std::string_view item, std::string_view origin) {
  if (item == "*") return true;
  const std::size_t star = item.find('*');
  if (star == std::string_view::npos) return item == origin;
  const std::string_view head = item.substr(0, star);
  const std::string_view tail = item.substr(star + 1);
  return origin.size() > head.size() + tail.size() && origin.starts_with(head) && origin.ends_with(tail);
}

bool decides(const CorsRule& rule, std::string_view origin, std::string_view method) {
  return has_item(rule.methods, method) &&
         std::ranges::any_of(cors_items(rule.origins),
                             [&](std::string_view item) { return fits_origin(item, origin); });
}

/// True if every preflight that pages need is allowed. Only a PUT carries headers.
bool grants(const std::vector<CorsRule>& rules, const CorsNeeds& needs) {
  const auto allows_all = [&](const CorsRule& rule) {
    return std::ranges::all_of(needs.headers,
                               [&](const std::string& header) { return allows_header(rule, header); });
  };
  return std::ranges::all_of(needs.origins, [&](const std::string& origin) {
    return std::ranges::all_of(needs.methods, [&](const std::string& method) {
      const CorsRule* rule = deciding_rule(rules, origin, method);
      return rule != nullptr && (method != "PUT" || allows_all(*rule));
    });
  });
}

bool overlaps(const CorsRule& rule, const CorsNeeds& needs) {
  return std::ranges::any_of(needs.origins, [&](const std::string& origin) {
    return std::ranges::any_of(needs.methods,
                               [&](const std::string& method) { return decides(rule, origin, method); });
  });
}

void add_items(std::string& list, std::string_view more) {
  for (const std::string_view item : cors_items(more)) {
    const std::string name = lower_case(item);
    if (!has_item(list, name)) list.append(list.empty() ? "" : ",").append(name);
  }
}

/// Our rule, which also allows what the rules behind it allow to the same pages.
CorsRule with_headers_of(CorsRule rule, const std::vector<CorsRule>& others, const CorsNeeds& needs) {
  for (const CorsRule& other : others) {
    if (!overlaps(other, needs)) continue;
    for (const std::string_view header : cors_items(other.headers)) {
      if (!allows_header(rule, header)) add_items(rule.headers, header);
    }
    if (!has_item(other.exposed, "*")) add_items(rule.exposed, other.exposed);
  }
  if (has_item(rule.headers, "*")) rule.headers = "*";
  return rule;
}

/// Empty, or why the service would refuse the rules.
std::string objection_to(const std::vector<CorsRule>& rules, const CorsRule& own) {
  if (rules.size() > kMaxRules) {
    return "the account has five rules already, and no more fit: remove one, or join two that belong "
           "together";
  }
  const auto headers = cors_items(own.headers);
  const auto prefixes = std::ranges::count_if(headers, [](std::string_view h) { return h.ends_with('*'); });
  if (cors_items(own.origins).size() > kMaxOrigins) return "a rule takes 64 origins at most";
  if (static_cast<std::size_t>(prefixes) > kMaxPrefixHeaders) {
    return "a rule takes two headers that end with * at most; another rule for the same origins has more: "
           "change that one";
  }
  if (headers.size() - static_cast<std::size_t>(prefixes) > kMaxLiteralHeaders)
    return "a rule takes 64 headers at most: list fewer cors.parameters, or set cors.headers to prefix";
  std::size_t bytes = 0;
  for (const CorsRule& rule : rules) {
    for (const Member& member : kMembers)
      bytes += (rule.*member.text).size();
  }
  if (bytes > kMaxBytes) return "the rules together are longer than the 2 KiB that an account takes";
  return {};
}

std::vector<std::string> sorted_items(std::string_view list, bool any_case) {
  std::vector<std::string> items;
  for (const std::string_view item : cors_items(list))
    items.push_back(any_case ? lower_case(item) : std::string(item));
  std::ranges::sort(items);
  return items;
}

void add_unique(std::vector<std::string>& list, std::string item) {
  if (std::ranges::find(list, item) == list.end()) list.push_back(std::move(item));
}

std::vector<std::string> needed_headers(const CorsOptions& cors) {
  std::vector<std::string> headers{"content-type", "x-ms-blob-type", "x-ms-blob-content-type"};
  std::vector<std::string> names{"qqfilename"};
  if (cors.scaling) names.insert(names.end(), {"qquuid", "qqparentuuid", "qqparentsize"});
  if (!cors.literal_headers) headers.emplace_back("x-ms-meta-*");
  for (const std::string& name : names) {
    if (cors.literal_headers) add_unique(headers, "x-ms-meta-" + name);
  }
  for (const std::string& name : cors.parameters) {
    if (is_header_parameter(name)) {
      add_unique(headers, lower_case(name));
    } else if (cors.literal_headers) {
      add_unique(headers, "x-ms-meta-" + lower_case(name));
    }
  }
  return headers;
}

std::vector<std::string> needed_methods(const Config& config, std::size_t account) {
  std::vector<std::string> methods;
  for (const Rule& rule : config.rules) {
    if (rule.account_index != account) continue;
    if (!rule.put_permissions.text().empty()) add_unique(methods, "PUT");
    if (!rule.delete_permissions.text().empty()) add_unique(methods, "DELETE");
    // Fine Uploader loads them with crossorigin=anonymous.
    if (rule.thumbnail.kind == ThumbnailOptions::Kind::none) continue;
    add_unique(methods, "GET");
    add_unique(methods, "HEAD");
  }
  return methods;
}

}  // namespace

tl::expected<std::vector<CorsRule>, std::string> parse_cors_rules(std::string_view xml) {
  pugi::xml_document document;
  const auto parsed = document.load_buffer(xml.data(), xml.size(), pugi::parse_default);
  const pugi::xml_node root = document.child("StorageServiceProperties");
  if (!parsed || !root)
    return tl::unexpected(std::string("the answer holds no properties of a blob service"));
  std::vector<CorsRule> rules;
  for (const pugi::xml_node element : root.child("Cors").children("CorsRule")) {
    CorsRule& rule = rules.emplace_back();
    for (const Member& member : kMembers)
      rule.*member.text = element.child(member.name).text().get();
  }
  return rules;
}

std::string cors_rules_xml(const std::vector<CorsRule>& rules) {
  pugi::xml_document document;
  pugi::xml_node declaration = document.append_child(pugi::node_declaration);
  declaration.append_attribute("version") = "1.0";
  declaration.append_attribute("encoding") = "utf-8";
  pugi::xml_node cors = document.append_child("StorageServiceProperties").append_child("Cors");
  for (const CorsRule& rule : rules) {
    pugi::xml_node element = cors.append_child("CorsRule");
    for (const Member& member : kMembers)
      element.append_child(member.name).text().set((rule.*member.text).c_str());
  }
  std::ostringstream text;
  document.save(text, "", pugi::format_raw);
  return text.str();
}

bool same_rules(const std::vector<CorsRule>& a, const std::vector<CorsRule>& b) {
  return std::ranges::equal(a, b, [](const CorsRule& one, const CorsRule& other) {
    return std::ranges::all_of(kMembers, [&](const Member& member) {
      const bool any_case = member.text == &CorsRule::headers || member.text == &CorsRule::exposed;
      return sorted_items(one.*member.text, any_case) == sorted_items(other.*member.text, any_case);
    });
  });
}

CorsRule CorsNeeds::rule() const {
  return {joined(origins), joined(methods), joined(headers),
          "x-ms-request-id,x-ms-error-code," + std::string(kMarker) + owner, std::to_string(max_age.count())};
}

bool CorsNeeds::owns(const CorsRule& rule) const {
  return has_item(rule.exposed, std::string(kMarker) + owner);
}

CorsNeeds cors_needs(const Config& config, std::size_t account,
                     const std::vector<std::string>& more_origins) {
  CorsNeeds needs;
  for (const auto* origins : {&config.cors.origins, &more_origins}) {
    for (const std::string& origin : *origins)
      add_unique(needs.origins, origin);
  }
  needs.methods = needed_methods(config, account);
  needs.headers = needed_headers(config.cors);
  needs.max_age = config.cors.max_age;
  needs.owner = config.cors.owner;
  return needs;
}

tl::expected<CorsPlan, std::string> plan_cors(const std::vector<CorsRule>& existing, const CorsNeeds& needs) {
  std::vector<CorsRule> others;
  std::ranges::copy_if(existing, std::back_inserter(others),
                       [&](const CorsRule& rule) { return !needs.owns(rule); });
  const bool has_own = others.size() != existing.size();
  if (!has_own && grants(others, needs))
    return CorsPlan{existing, false, "rules of others grant all that is needed"};

  CorsPlan plan{others, false, "the rule stands behind those of others"};
  CorsRule own = needs.rule();
  plan.rules.push_back(own);
  if (!grants(plan.rules, needs)) {
    own = with_headers_of(std::move(own), others, needs);
    plan.rules = others;
    plan.rules.insert(plan.rules.begin(), own);
    plan.why = "the rule stands first, since another one for the same origin and method allows too little";
  }
  if (std::string objection = objection_to(plan.rules, own); !objection.empty())
    return tl::unexpected(std::move(objection));
  plan.changes = !same_rules(plan.rules, existing);
  return plan;
}

const CorsRule* deciding_rule(const std::vector<CorsRule>& rules, std::string_view origin,
                              std::string_view method) {
  const auto found =
      std::ranges::find_if(rules, [&](const CorsRule& rule) { return decides(rule, origin, method); });
  return found == rules.end() ? nullptr : &*found;
}

bool allows_header(const CorsRule& rule, std::string_view header) {
  const std::string wanted = lower_case(header);
  return std::ranges::any_of(cors_items(rule.headers), [&](std::string_view item) {
    const std::string allowed = lower_case(item);
    if (!allowed.ends_with('*')) return allowed == wanted;
    return wanted.starts_with(std::string_view(allowed).substr(0, allowed.size() - 1));
  });
}

std::vector<std::string_view> cors_items(std::string_view list) {
  std::vector<std::string_view> items;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    std::string_view item = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    const std::size_t first = item.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) continue;
    item.remove_prefix(first);
    items.push_back(item.substr(0, item.find_last_not_of(" \t\r\n") + 1));
  }
  return items;
}

}  // namespace blobvalet
