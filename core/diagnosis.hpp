#pragma once
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/http_client.hpp"

namespace blobvalet {

/// One link of the chain from a page to its stored file, as `blobvalet doctor` found it.
struct Link {
  enum class State : std::uint8_t { ok, fails, not_tested };
  State state = State::ok;
  std::string detail;  ///< what was seen, or why it was not tested
  std::string mend;    ///< what to do; only of a link that fails

  [[nodiscard]] static Link ok(std::string detail) { return {State::ok, std::move(detail), {}}; }
  [[nodiscard]] static Link fails(std::string detail, std::string mend) {
    return {State::fails, std::move(detail), std::move(mend)};
  }
  [[nodiscard]] static Link not_tested(std::string why) { return {State::not_tested, std::move(why), {}}; }
};

/// All links, in the order in which they were looked at.
class Diagnosis {
 public:
  void add(std::string_view name, Link link);
  /// The first of `names` that is not ok and so makes testing what builds on it pointless; nothing: none.
  [[nodiscard]] std::optional<std::string> broken(std::initializer_list<std::string_view> names) const;
  /// True if this link fails; one that was not tested does not.
  [[nodiscard]] bool fails(std::string_view name) const;
  /// True if no link fails.
  [[nodiscard]] bool is_fine() const;

  [[nodiscard]] std::string to_text() const;
  [[nodiscard]] std::string to_json() const;

 private:
  struct Entry {
    std::string name;
    Link link;
  };
  std::vector<Entry> entries_;
};

// What answers mean, for the links that ask somebody. `user` is whom nginx should vouch for; empty: nobody.

/// `who`, "the site" or "the account", has not answered at all.
[[nodiscard]] Link unreachable(HttpFailure failure, std::string_view who);
/// A worker's health. `revision` is that of the configuration here; empty: unknown.
[[nodiscard]] Link judge_health(std::string_view body, std::string_view revision);
/// A signature that nginx hands on; ok if it is one for `blob_url`.
[[nodiscard]] Link judge_signature(const HttpAnswer& answer, std::string_view blob_url,
                                   std::string_view user);
/// The answer of a container to an upload; ok unless there is no such container.
[[nodiscard]] Link judge_container(const HttpAnswer& answer, std::string_view account,
                                   std::string_view container);
/// The account's answer to an upload or a delete; ok if it has `expected` as status.
[[nodiscard]] Link judge_storage(const HttpAnswer& answer, int expected);
/// A callback; ok also if it got as far as the application and failed there.
[[nodiscard]] Link judge_callback(const HttpAnswer& answer, std::string_view user);
/// The application, by the same answer.
[[nodiscard]] Link judge_hook(const HttpAnswer& answer);
/// The list of earlier uploads, which has to have the test blob, whose `blobName` is `name`.
[[nodiscard]] Link judge_session(const HttpAnswer& answer, std::string_view name, std::string_view user);

/// The `code` of a refusal as blobvalet and its nginx files answer it; empty: there is none.
[[nodiscard]] std::string refusal_code(const HttpAnswer& answer);

}  // namespace blobvalet
