#include "core/replay.hpp"

#include <array>
#include <iostream>
#include <map>
#include <memory>
#include <tuple>

#include "fcgi/config_file.hpp"
#include "fcgi/log_input.hpp"
#include "fcgi/tools/json_object.hpp"
#include "fcgi/tools/tools.hpp"

namespace blobvalet::fcgi {
namespace {

struct ReplayOptions {
  std::vector<std::string> logs;
  bool all = false;
  bool json = false;
};

/// Requests to which the same happens.
struct Group {
  std::uint64_t count = 0;
  std::string user;  ///< of the first of them
  std::string blob;
  std::string time;
  std::string request_id;
};

using Kind = Replayed::Kind;

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::same: return "same";
    case Kind::refused: return "refused";
    case Kind::granted: return "granted";
    case Kind::otherwise: return "otherwise";
    case Kind::unjudged: return "unjudged";
    case Kind::not_ruled: return "not_ruled";
  }
  return "";
}

const char* title_of(Kind kind) {
  switch (kind) {
    case Kind::refused: return "would be refused";
    case Kind::granted: return "would be granted";
    case Kind::otherwise: return "would be granted otherwise";
    default: return "cannot be judged";
  }
}

constexpr std::array kShown{Kind::refused, Kind::granted, Kind::otherwise, Kind::unjudged};

/// What requests have to share to be told of in one line.
struct GroupKey {
  Kind kind;
  std::string request;  ///< `signature PUT acmeuploads/uploads`
  std::string before;
  std::string after;
  std::string why;
  auto operator<=>(const GroupKey&) const = default;  // NOLINT(modernize-use-nullptr): a 0 of the compiler's
  [[nodiscard]] std::string text() const {
    return kind == Kind::unjudged ? request + ": " + why : request + ": " + before + " -> " + after;
  }
};

std::string request_text(const LoggedRequest& line) {
  std::string text(line.endpoint);
  text.append(" ").append(line.verb);
  if (!line.account.empty()) text.append(" ").append(line.account).append("/").append(line.container);
  return text;
}

/// What replaying a log has found.
class Summary {
 public:
  explicit Summary(bool all, bool json) : all_(all), json_(json) {}

  void add(const LoggedRequest& line, Replayed replayed) {
    ++requests_;
    ++counts_[replayed.kind];
    if (from_.empty() || line.time < from_) from_ = line.time;
    if (line.time > to_) to_ = line.time;
    if (replayed.kind == Kind::same || replayed.kind == Kind::not_ruled) return;
    GroupKey key{replayed.kind, request_text(line), std::move(replayed.before), std::move(replayed.after),
                 std::move(replayed.why)};
    const std::string_view blob = line.blob.empty() ? line.blob_uri : line.blob;
    if (all_ && !json_) print_one(key, line, blob);
    if (all_ && json_) ones_.emplace_back(key, group_of(line, blob));
    Group& group = groups_[std::move(key)];
    if (++group.count > 1) return;
    const std::uint64_t count = group.count;
    group = group_of(line, blob);
    group.count = count;
  }

  [[nodiscard]] bool has_changes() const {
    return count(Kind::refused) + count(Kind::granted) + count(Kind::otherwise) > 0;
  }

  void print(std::uint64_t lines) const {
    std::cout << requests_ << " requests in " << lines << " lines";
    if (requests_ > 0) std::cout << ", " << from_ << " to " << to_;
    std::cout << "\n" << count(Kind::same) << " keep their verdict\n";
    if (count(Kind::not_ruled) > 0) std::cout << count(Kind::not_ruled) << " are no matter of rules\n";
    for (const Kind kind : kShown) {
      if (count(kind) == 0) continue;
      std::cout << count(kind) << " " << title_of(kind) << "\n";
      if (!all_) print_groups(kind);
    }
  }

  void print_json(std::uint64_t lines) const {
    JsonObject json;
    json.number("lines", lines).number("requests", requests_).given("from", from_).given("to", to_);
    json.begin_object("counts");
    for (const Kind kind :
         {Kind::same, Kind::refused, Kind::granted, Kind::otherwise, Kind::unjudged, Kind::not_ruled})
      json.number(name_of(kind), count(kind));
    json.end_object().begin_list("changes");
    for (const auto& [key, group] : groups_)
      add_to(json, key, group);
    json.end_list();
    if (all_) {
      json.begin_list("requests_changed");
      for (const auto& [key, one] : ones_)
        add_to(json, key, one);
      json.end_list();
    }
    json.print();
  }

 private:
  [[nodiscard]] std::uint64_t count(Kind kind) const {
    const auto found = counts_.find(kind);
    return found == counts_.end() ? 0 : found->second;
  }

  static Group group_of(const LoggedRequest& line, std::string_view blob) {
    return {1, std::string(line.user), std::string(blob), std::string(line.time),
            std::string(line.request_id)};
  }

  static void print_one(const GroupKey& key, const LoggedRequest& line, std::string_view blob) {
    std::cout << line.time << " " << line.request_id << " " << (line.user.empty() ? "-" : line.user) << " "
              << blob << ": " << title_of(key.kind) << ": " << key.text() << "\n";
  }

  void print_groups(Kind kind) const {
    for (const auto& [key, group] : groups_) {
      if (key.kind != kind) continue;
      std::cout << "  " << group.count << " x " << key.text() << "\n      such as "
                << (group.user.empty() ? "nobody" : group.user) << ", " << group.blob << ", " << group.time;
      if (!group.request_id.empty()) std::cout << ", request " << group.request_id;
      std::cout << "\n";
    }
  }

  static void add_to(JsonObject& json, const GroupKey& key, const Group& group) {
    json.begin_object().text("kind", name_of(key.kind)).text("request", key.request);
    json.given("before", key.before).given("after", key.after).given("why", key.why);
    json.number("count", group.count).text("user", group.user).text("blob", group.blob);
    json.text("time", group.time).given("request_id", group.request_id).end_object();
  }

  bool all_;
  bool json_;
  std::uint64_t requests_ = 0;
  std::string from_;
  std::string to_;
  std::map<Kind, std::uint64_t> counts_;
  std::map<GroupKey, Group> groups_;
  std::vector<std::pair<GroupKey, Group>> ones_;  ///< each request, if JSON is to list them
};

ExitCode replay(const std::string& config_file, const ReplayOptions& options) {
  auto file = read_config_file(config_file);
  if (!file) {
    print_faults(file.error());
    return ExitCode::bad_configuration;
  }
  Replay replay(SiteRules(std::move(file->config)));
  Summary summary(options.all, options.json);
  LogInput input(options.logs);
  LogReader reader;
  try {
    for (std::string_view text; input.next(text);) {
      if (const LoggedRequest* line = reader.read(text)) summary.add(*line, replay.judge(*line));
    }
  } catch (const std::runtime_error& error) {
    // Not 1, which says that verdicts change.
    std::cerr << error.what() << "\n";
    return ExitCode::usage;
  }
  if (options.json) {
    summary.print_json(input.lines());
  } else {
    summary.print(input.lines());
  }
  return summary.has_changes() ? ExitCode::failure : ExitCode::success;
}

}  // namespace

void add_replay(CLI::App& app, CommandLine& line) {
  CLI::App* command =
      app.add_subcommand("replay", "Say which verdicts of a log another configuration would change");
  add_config_option(*command, line);
  const auto options = std::make_shared<ReplayOptions>();
  command->add_option("log", options->logs,
                      "blobvalet's log: files, or - for standard input (also the default)");
  command->add_flag("--all", options->all, "Each request, not only how many there are of a kind");
  command->add_flag("--json", options->json, "One JSON object");
  command->callback([options, &line] {
    if (options->logs.empty()) options->logs.emplace_back("-");
    line.outcome = replay(line.config_file, *options);
  });
}

}  // namespace blobvalet::fcgi
