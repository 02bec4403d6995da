#include "core/key_switch.hpp"

#include <rapidjson/document.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <vector>

#include "core/config.hpp"

namespace blobvalet {
namespace {

constexpr const char* role_of(bool is_next) {
  return is_next ? "next" : "current";
}

/// A piece of a text, as offsets.
struct Piece {
  std::size_t begin = 0;
  std::size_t end = 0;
};

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

std::size_t skip_blanks(std::string_view text, std::size_t at) {
  while (at < text.size() && is_blank(text[at]))
    ++at;
  return at;
}

/// Where things stand in one account's `credential`, which is an object.
struct CredentialPlaces {
  std::optional<Piece> use;    ///< the value of `use`
  std::size_t open = 0;        ///< behind the brace
  std::size_t last_comma = 0;  ///< before the last member; that of the brace if there is one member only
  Piece last_colon;            ///< what is between the last member's key and its value
  std::size_t last_end = 0;    ///< behind the last member
};

/// Takes the events of RapidJSON's reader, follows the path to `accounts[index].credential`, and takes down
/// what stands there. The reader has just read what an event is about, so its position is the end of that.
class CredentialFinder : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, CredentialFinder> {
 public:
  CredentialFinder(std::string_view text, const rapidjson::MemoryStream& stream, std::size_t index)
      : text_(text), stream_(stream), index_(index) {}
  [[nodiscard]] const CredentialPlaces& places() const { return places_; }

  bool Default() { return end_value(); }
  bool String(const char* /*text*/, rapidjson::SizeType /*size*/, bool /*copy*/) { return end_value(); }
  bool Key(const char* text, rapidjson::SizeType size, bool /*copy*/) {
    levels_.back().key.assign(text, size);
    if (is_member()) begin_member();
    return true;
  }
  bool StartObject() { return start(false); }
  bool StartArray() { return start(true); }
  bool EndObject(rapidjson::SizeType /*count*/) { return end(); }
  bool EndArray(rapidjson::SizeType /*count*/) { return end(); }

 private:
  struct Level {
    bool is_array = false;
    std::size_t index = 0;
    std::string key = {};
  };

  /// True within the credential itself, not deeper.
  [[nodiscard]] bool is_member() const {
    return levels_.size() == 4 && levels_[0].key == "accounts" && levels_[1].is_array &&
           levels_[1].index == index_ && levels_[2].key == "credential" && !levels_[3].is_array;
  }
  bool start(bool is_array) {
    levels_.push_back({is_array});
    if (is_member()) places_.open = places_.last_comma = places_.last_end = stream_.Tell();
    return true;
  }
  bool end() {
    levels_.pop_back();
    return end_value();
  }
  void begin_member() {
    const std::size_t comma = skip_blanks(text_, places_.last_end);
    places_.last_comma = text_[comma] == ',' ? comma + 1 : places_.open;
    const std::size_t key_end = stream_.Tell();
    places_.last_colon = {key_end, skip_blanks(text_, skip_blanks(text_, key_end) + 1)};
  }
  bool end_value() {
    if (levels_.empty()) return true;
    if (is_member()) {
      places_.last_end = stream_.Tell();
      if (levels_.back().key == "use") places_.use = Piece{places_.last_colon.end, places_.last_end};
    }
    if (levels_.back().is_array) ++levels_.back().index;
    return true;
  }

  std::string_view text_;
  const rapidjson::MemoryStream& stream_;
  const std::size_t index_;
  std::vector<Level> levels_;
  CredentialPlaces places_;
};

CredentialPlaces find_credential(std::string_view json, std::size_t account) {
  rapidjson::MemoryStream stream(json.data(), json.size());
  CredentialFinder finder(json, stream, account);
  rapidjson::Reader reader;
  // Not the iterative parser, which tells of a brace before it has read it. Config has refused deep nesting.
  reader.Parse(stream, finder);
  return finder.places();
}

std::string replaced(std::string_view text, Piece piece, std::string_view by) {
  std::string result(text.substr(0, piece.begin));
  return result.append(by).append(text.substr(piece.end));
}

/// Sets `use`; where there is none, as one more member that looks like the last one.
std::string with_use(std::string_view json, std::size_t account, bool next) {
  const std::string value = std::string("\"") + role_of(next) + "\"";
  const CredentialPlaces places = find_credential(json, account);
  if (places.use) return replaced(json, *places.use, value);
  const std::size_t key = skip_blanks(json, places.last_comma);
  std::string member(",");
  member.append(json.substr(places.last_comma, key - places.last_comma)).append("\"use\"");
  member.append(json.substr(places.last_colon.begin, places.last_colon.end - places.last_colon.begin));
  return replaced(json, {places.last_end, places.last_end}, member.append(value));
}

rapidjson::Document parsed(std::string_view json) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size());
  return document;
}

/// True if both say the same but for which key the account uses.
bool differ_by_use_only(std::string_view before, std::string_view after, rapidjson::SizeType account) {
  auto a = parsed(before);
  auto b = parsed(after);
  for (rapidjson::Document* document : {&a, &b})
    (*document)["accounts"][account]["credential"].RemoveMember("use");
  return a == b;
}

tl::unexpected<std::string> fault(std::string text) {
  return tl::unexpected(std::move(text));
}

std::string all_of(const ConfigFaults& faults) {
  std::string text = "the configuration is faulty";
  for (const ConfigFault& fault : faults)
    text.append("; ").append(fault.text());
  return text;
}

}  // namespace

tl::expected<KeySwitch, std::string> switch_key(std::string_view json, std::string_view account,
                                                std::optional<bool> to_next) {
  const auto config = Config::parse(json);
  if (!config) return fault(all_of(config.error()));
  const auto found = std::ranges::find(config->accounts, account, &Account::name);
  if (found == config->accounts.end()) return fault("the configuration has no account of this name");
  if (found->identity) return fault("an identity fetches this account's keys, so there is none to switch to");
  const bool next = to_next.value_or(!found->use_next);
  if (next == found->use_next) return KeySwitch{std::string(json), false, next};
  if (!found->next_key)
    return fault("this account has one key only; give two, as credential.current and credential.next");

  const auto index = static_cast<std::size_t>(found - config->accounts.begin());
  std::string changed = with_use(json, index, next);
  const auto check = Config::parse(changed);
  if (!check || check->accounts[index].use_next != next ||
      !differ_by_use_only(json, changed, static_cast<rapidjson::SizeType>(index)))
    return fault("credential.use cannot be set in this file; set it by hand");
  return KeySwitch{std::move(changed), true, next};
}

}  // namespace blobvalet
