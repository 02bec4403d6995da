#include "core/sas_explanation.hpp"

#include <algorithm>

#include "core/ascii.hpp"
#include "core/percent_encoding.hpp"
#include "core/sas_field_check.hpp"
#include "core/sas_signature_check.hpp"
#include "core/sas_version.hpp"
#include "core/string_to_sign.hpp"
#include "core/utf8.hpp"

namespace blobvalet {
namespace {

/// Why a canonicalized resource may be another one.
std::string resource_hint(std::string_view ours, std::string_view azures) {
  const std::string once = decoded_or_same(azures);
  if (once != azures && once == ours)
    return "; Azure read a name that was encoded once more than it should be";
  if (decoded_or_same(ours) == azures && ours != azures)
    return "; the name in the URL is encoded once too often";
  if (lower_case(ours) == lower_case(azures)) return "; they differ in upper and lower case, which counts";
  std::string slashes(ours);
  std::ranges::replace(slashes, '\\', '/');
  if (slashes == azures) return "; Azure turns a backslash into a slash";
  const std::size_t container = azures.find('/', std::min<std::size_t>(6, azures.size()));
  const std::size_t our_container = ours.find('/', std::min<std::size_t>(6, ours.size()));
  if (container != std::string_view::npos && our_container != std::string_view::npos &&
      azures.substr(container) == ours.substr(our_container)) {
    return "; the account is another one: accounts[].name must be the account's own name, not an alias of it";
  }
  return {};
}

/// Puts Azure's fields beside ours, and says where they differ first.
void compare(const std::vector<SignedField>& ours, const AzureError* error, SasExplanation& explanation) {
  Findings found(explanation.findings);
  for (const SignedField& field : ours)
    explanation.fields.push_back({field.name, field.value, std::nullopt});
  if (error == nullptr || !error->string_to_sign) return;
  const ReadStringToSign azures = read_string_to_sign(*error->string_to_sign);
  if (azures.is_account_sas)
    return found.note("sig", "Azure took it for an account SAS, or the text is incomplete");
  if (azures.is_collapsed) {
    std::vector<SignedField> filled;
    std::ranges::copy_if(ours, std::back_inserter(filled),
                         [](const SignedField& f) { return !f.value.empty(); });
    for (std::size_t i = 0; i < std::max(filled.size(), azures.fields.size()); ++i) {
      const std::string theirs = i < azures.fields.size() ? azures.fields[i].value : "";
      if (i < filled.size() && filled[i].value == theirs) continue;
      const std::string_view name = i < filled.size() ? filled[i].name : std::string_view("rsct");
      return found.fault(name, "is " + quoted_value(i < filled.size() ? filled[i].value : "") + " here and " +
                                   quoted_value(theirs) + " in Azure's string-to-sign");
    }
    return found.note(
        "sig", "Azure's string-to-sign, whose empty lines got lost on the way here, holds the same values");
  }
  bool differs = false;
  for (ComparedField& field : explanation.fields) {
    const auto theirs = std::ranges::find(azures.fields, field.name, &SignedField::name);
    if (theirs == azures.fields.end()) continue;
    field.azures = theirs->value;
    if (differs || field.ours == theirs->value) continue;
    differs = true;
    std::string what("is " + quoted_value(field.ours) + " here and " + quoted_value(theirs->value) +
                     " in Azure's string-to-sign");
    if (field.name == "resource") what.append(resource_hint(field.ours, theirs->value));
    found.fault(field.name, std::move(what));
  }
  if (!differs && azures.fields.size() != ours.size()) {
    found.fault("sv", "Azure signs " + std::to_string(azures.fields.size()) + " fields, and " +
                          std::to_string(ours.size()) + " are expected");
  } else if (!differs) {
    found.note("sig", "Azure computed the signature of the very same fields");
  }
}

/// What the code means; first, so that a reader knows what it is about.
void describe(const AzureError& error, Findings& found) {
  const AzureErrorRow* row = find_azure_error(error.code);
  if (row == nullptr) return found.note(error.code, "a code that is not known here");
  std::string what(row->means);
  found.note(error.code, what.append("; look at: ").append(row->mend));
  const bool times = error.detail.find("time frame") != std::string::npos;
  if (times) found.fault("se", "Azure: " + error.detail);
}

UtcSeconds time_of(const SasCircumstances& known) {
  if (!known.error) return known.now;
  // Azure's own clock, and the moment of the refusal.
  return parse_utc(known.error->time).value_or(known.now);
}

}  // namespace

SasExplanation explain_sas(const SasUrl& url, const SasCircumstances& circumstances) {
  SasExplanation explanation;
  Findings found(explanation.findings);
  if (circumstances.error) describe(*circumstances.error, found);
  const BlobLocation location = locate(url, circumstances.endpoint_path, circumstances.account);
  check_fields(url, circumstances, location, time_of(circumstances), explanation);

  const auto version = SasVersion::parse(url.value("sv"));
  const bool is_account_sas = url.has("ss") || url.has("srt");
  if (!version || is_account_sas || url.host.empty()) {
    explanation.unchecked.emplace_back(
        "the string-to-sign, which takes the whole URL of a service or user delegation SAS");
    return explanation;
  }
  if (url.has("srh") && circumstances.headers.empty()) {
    explanation.unchecked.emplace_back("srh: the values of the bound headers (--header)");
  }
  const auto fields = signed_fields(url, location, *version, circumstances.headers);
  compare(fields, circumstances.error ? &*circumstances.error : nullptr, explanation);
  check_signature(url, circumstances, location, fields, explanation);
  return explanation;
}

SasExplanation explain_error(const SasCircumstances& circumstances) {
  SasExplanation explanation;
  Findings found(explanation.findings);
  const AzureError& error = *circumstances.error;
  describe(error, found);
  if (!error.string_to_sign) return explanation;
  const ReadStringToSign azures = read_string_to_sign(*error.string_to_sign);
  if (azures.is_account_sas) {
    found.note("sig",
               "the string-to-sign is an account SAS's, which blobvalet never makes, or is incomplete");
    return explanation;
  }
  for (const SignedField& field : azures.fields)
    explanation.fields.push_back({field.name, field.value, field.value});
  SasUrl url;
  for (const SignedField& field : azures.fields) {
    if (field.name != "resource" && field.name != "snapshot" && !field.value.empty())
      url.parameters.push_back({std::string(field.name), field.value, {}, false});
  }
  if (!azures.is_collapsed) {
    BlobLocation nowhere;
    check_fields(url, circumstances, nowhere, time_of(circumstances), explanation);
  }
  explanation.unchecked.emplace_back("sig: the URL that was refused is needed for that");
  return explanation;
}

}  // namespace blobvalet
