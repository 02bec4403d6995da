#include "core/config_schema.hpp"

#include <algorithm>
#include <string_view>
#include <valijson/adapters/rapidjson_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "core/config_schema_text.hpp"

namespace blobvalet {
namespace {

using Node = rapidjson::Value;

/// Follows `"$ref": "#/definitions/<name>"`.
const Node& resolve(const Node& node, const Node& root) {
  const auto ref = node.FindMember("$ref");
  if (ref == node.MemberEnd()) return node;
  constexpr std::string_view kPrefix = "#/definitions/";
  const std::string_view target(ref->value.GetString(), ref->value.GetStringLength());
  return root["definitions"][target.substr(kPrefix.size()).data()];
}

/// Walks the schema as the validator walked the document, and spells the way (`accounts[0].name`).
class Place {
 public:
  explicit Place(const Node& root) : root_(root), node_(&root) {}

  /// `step` as the validator prints it: `[name]` or `[0]`.
  void enter(std::string_view step) {
    step = step.substr(1, step.size() - 2);
    const bool is_index = step.find_first_not_of("0123456789") == std::string_view::npos;
    if (is_index && node_->HasMember("items")) {
      path_.append("[").append(step).append("]");
      node_ = &resolve((*node_)["items"], root_);
    } else {
      enter_property(step);
    }
  }
  void enter_property(std::string_view name) {
    if (!path_.empty()) path_.push_back('.');
    path_.append(printable_key(name));
    const std::string key(name);
    if (!node_->HasMember("properties") || !(*node_)["properties"].HasMember(key.c_str())) return;
    node_ = &resolve((*node_)["properties"][key.c_str()], root_);
  }
  [[nodiscard]] std::string path() const { return path_.empty() ? "configuration" : path_; }
  [[nodiscard]] std::string expectation() const {
    return std::string("must be ") + (*node_)["description"].GetString();
  }

 private:
  const Node& root_;
  const Node* node_;
  std::string path_;
};

/// What stands between the first and the last apostrophe of the validator's sentence: the property's name.
std::string_view quoted(std::string_view sentence) {
  const std::size_t first = sentence.find('\'');
  return sentence.substr(first + 1, sentence.rfind('\'') - first - 1);
}

/// The last of the sentence's quoted words, where constraint names are quoted before it.
std::string_view last_quoted(std::string_view sentence) {
  const std::size_t end = sentence.rfind('\'');
  const std::size_t begin = sentence.rfind(": '", end) + 3;
  return sentence.substr(begin, end - begin);
}

ConfigFault translate(const valijson::ValidationResults::Error& error, const Node& schema) {
  Place place(schema);
  for (const std::string& step : error.context) {
    if (step != "<root>") place.enter(step);
  }
  const std::string_view sentence = error.description;
  if (sentence.starts_with("Missing required property")) {
    place.enter_property(quoted(sentence));
    return {place.path(), "is missing; it " + place.expectation()};
  }
  if (sentence.starts_with("Object contains a property")) {
    place.enter_property(last_quoted(sentence));
    return {place.path(), "is not a known key"};
  }
  if (sentence.starts_with("Elements at indexes"))
    return {place.path(), "must not list the same thing twice"};
  return {place.path(), place.expectation()};
}

/// The validator also reports each object and list around a fault; only the fault itself is news.
bool is_consequence(const std::string& description) {
  return description.starts_with("Failed to validate against schema associated") ||
         description.starts_with("Failed to validate item");
}

}  // namespace

void check_schema(const rapidjson::Document& document, ConfigFaults& faults) {
  rapidjson::Document schema_document;
  schema_document.Parse(kConfigSchema);
  valijson::Schema schema;
  valijson::SchemaParser().populateSchema(valijson::adapters::RapidJsonAdapter(schema_document), schema);

  valijson::Validator validator;
  valijson::ValidationResults results;
  if (validator.validate(schema, valijson::adapters::RapidJsonAdapter(document), &results)) return;
  for (const auto& error : results) {
    if (is_consequence(error.description)) continue;
    ConfigFault fault = translate(error, schema_document);
    if (std::ranges::find(faults, fault) == faults.end()) faults.push_back(std::move(fault));
  }
}

}  // namespace blobvalet
