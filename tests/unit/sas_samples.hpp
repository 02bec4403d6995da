#pragma once
#include <boost/test/unit_test.hpp>
#include <string>
#include <utility>
#include <vector>

#include "core/base64.hpp"
#include "core/hmac.hpp"
#include "core/sas_explanation.hpp"
#include "core/string_to_sign.hpp"
#include "tests/unit/support.hpp"

/// SAS that are right, made of parameters of which a test changes one, and what is explained of them.
namespace blobvalet::testing::sas_samples {

inline const std::string kDelegationValue = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

using Parameters = std::vector<std::pair<std::string, std::string>>;

inline const Parameters kService{
    {"sv", "2023-11-03"}, {"spr", "https"}, {"se", "2026-03-01T12:15:00Z"}, {"sr", "b"}, {"sp", "cw"}};
inline const Parameters kDelegation{{"sv", "2023-11-03"},
                                    {"spr", "https"},
                                    {"se", "2026-03-01T12:15:00Z"},
                                    {"skoid", "11111111-1111-4111-8111-111111111111"},
                                    {"sktid", "22222222-2222-4222-8222-222222222222"},
                                    {"skt", "2026-02-28T00:00:00Z"},
                                    {"ske", "2026-03-05T00:00:00Z"},
                                    {"sks", "b"},
                                    {"skv", "2023-11-03"},
                                    {"sr", "b"},
                                    {"sp", "cw"}};

inline const std::string kUrl = "https://acme.blob.core.windows.net/uploads/bob/a.txt";

inline SasCircumstances circumstances() {
  SasCircumstances known;
  known.now = at("2026-03-01T12:00:00Z");
  known.method = "PUT";
  known.account = "acme";
  known.keys = {{"acme's current key", account_key()}, {"acme's next key", nullptr}};
  auto value = decode_base64(kDelegationValue);
  UserDelegationKey key;
  key.object_id = "11111111-1111-4111-8111-111111111111";
  key.tenant_id = "22222222-2222-4222-8222-222222222222";
  key.start = "2026-02-28T00:00:00Z";
  key.expiry = "2026-03-05T00:00:00Z";
  key.service = "b";
  key.version = "2023-11-03";
  key.value = std::move(*value);
  known.keys.push_back({"acme's delegation key", std::make_shared<const SigningKey>(std::move(key))});
  return known;
}

inline std::string query_of(const Parameters& parameters) {
  std::string query;
  for (const auto& [name, value] : parameters)
    query.append(query.empty() ? "" : "&").append(name).append("=").append(escaped(value));
  return query;
}

inline std::string signature_of(const std::string& text, const SecretBytes& key) {
  const auto signature = encode_base64(HmacSha256(key)(text));
  return {signature.data(), signature.size()};
}

/// A URL whose signature is right for these parameters.
inline std::string signed_url(const Parameters& parameters, const std::string& url = kUrl) {
  const std::string query = query_of(parameters);
  const auto parsed = SasUrl::parse(url + "?" + query);
  BOOST_REQUIRE(parsed.has_value());
  const auto version = SasVersion::parse(parsed->value("sv")).value_or(SasVersion());
  const auto fields = signed_fields(*parsed, locate(*parsed, "", "acme"), version, {});
  const auto key =
      parsed->is_delegation() ? *decode_base64(kDelegationValue) : *decode_base64(kDevelopmentKey);
  return url + "?" + query + "&sig=" + escaped(signature_of(string_to_sign(fields), key));
}

inline Parameters with(Parameters parameters, const std::string& name, const std::string& value) {
  for (auto& parameter : parameters) {
    if (parameter.first != name) continue;
    parameter.second = value;
    return parameters;
  }
  parameters.emplace_back(name, value);
  return parameters;
}

inline Parameters without(Parameters parameters, const std::string& name) {
  std::erase_if(parameters, [&](const auto& parameter) { return parameter.first == name; });
  return parameters;
}

inline std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  BOOST_REQUIRE_MESSAGE(at != std::string::npos, text << " does not hold " << from);
  return text.replace(at, from.size(), to);
}

/// `field: what` of each fault, then `~field` for warnings.
inline std::string faults(const SasExplanation& explanation) {
  std::string text;
  for (const Finding& finding : explanation.findings) {
    if (finding.level == Finding::Level::note) continue;
    text.append(text.empty() ? "" : "; ");
    if (finding.level == Finding::Level::warning) text.append("~");
    text.append(finding.field).append(": ").append(finding.what);
  }
  return text;
}

inline std::string fault_fields(const SasExplanation& explanation) {
  std::string text;
  for (const Finding& finding : explanation.findings) {
    if (finding.level == Finding::Level::fault) text.append(text.empty() ? "" : " ").append(finding.field);
  }
  return text;
}

inline SasExplanation explain(const std::string& url, const SasCircumstances& known) {
  const auto parsed = SasUrl::parse(url);
  BOOST_REQUIRE_MESSAGE(parsed.has_value(), url);
  return explain_sas(*parsed, known);
}

inline std::string azure_xml(const std::string& text) {
  return "<?xml version=\"1.0\"?><Error><Code>AuthenticationFailed</Code><Message>Server "
         "failed.\nRequestId:1\n"
         "Time:2026-03-01T12:00:00.1234567Z</Message><AuthenticationErrorDetail>Signature did not match. "
         "String to sign "
         "used was " +
         text + "</AuthenticationErrorDetail></Error>";
}

inline std::string xml_escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '&') escaped.append("&amp;");
    if (c == '<') escaped.append("&lt;");
    if (c == '>') escaped.append("&gt;");
    if (c != '&' && c != '<' && c != '>') escaped.push_back(c);
  }
  return escaped;
}

}  // namespace blobvalet::testing::sas_samples
