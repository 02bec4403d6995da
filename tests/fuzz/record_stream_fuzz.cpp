// Bytes on a connection to the program itself: whatever comes, it lives on, what it answers are records, and
// it signs nothing but what was asked for. The first byte of an input says how its connection ends, the
// second in what pieces the rest is sent. The program is $BLOBVALET_BINARY, or the one of the same build.
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <memory>
#include <random>
#include <thread>

#include "tests/fuzz/daemon.hpp"
#include "tests/fuzz/property.hpp"
#include "tests/fuzz/records.hpp"
#include "tests/fuzz/reference.hpp"

// libFuzzer's guide, since the program's own branches are not seen here: a count for each kind of answer.
[[gnu::section("__libfuzzer_extra_counters"), gnu::used]] static std::uint8_t answer_counters[4096];

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace blobvalet::fuzz {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kConfig = R"({
  "accounts": [{"name": "acme", "endpoint": "https://acme", "credential": {"type": "shared_key", "key_file": "a.key"}}],
  "rules": [{"name": "own", "account": "acme", "container": "uploads", "blobs": ["{user}/**"],
             "methods": ["PUT", "DELETE"]}],
  "success": {"verify": {"enabled": false}, "state_directory": "state"},
  "keys": {"directory": "keys"},
  "server": {"metrics_file": "metrics", "threads": 1, "access_log": false, "audit_log": false}})";
constexpr std::string_view kContainer = "https://acme/uploads/";
constexpr std::string_view kForm =
    "blob=alice/a&uuid=0b6b7f3e-1c5e-4a9e-9d0b-8f1f2b3c4d5e&name=a&container=https://acme/uploads";
constexpr unsigned kHealthyEvery = 64;

const Params kSignature{{"BLOBVALET_ENDPOINT", "signature"},
                        {"REQUEST_METHOD", "GET"},
                        {"BLOBVALET_USER", "alice"},
                        {"QUERY_STRING", "_method=PUT&bloburi=https://acme/uploads/alice/a"}};
const Params kSuccess{{"BLOBVALET_ENDPOINT", "success"},
                      {"REQUEST_METHOD", "POST"},
                      {"BLOBVALET_USER", "alice"},
                      {"CONTENT_TYPE", "application/x-www-form-urlencoded"},
                      {"CONTENT_LENGTH", std::to_string(kForm.size())}};

// What came back.

/// A CGI response: header lines, a blank one, and the body.
struct Answer {
  unsigned id = 0;
  std::string status;
  std::string body;
};

class AnswerReader {
 public:
  explicit AnswerReader(Daemon& daemon) : daemon_(daemon) {}

  /// Those that are whole. What stands behind the last of them is the beginning of another.
  std::vector<Answer> read(std::string_view bytes) {
    std::vector<Answer> answers;
    std::string text;
    for (Record record; take_record(bytes, record);) {
      daemon_.require_of_it(record.version == 1, "a record's version is 1");
      daemon_.require_of_it(record.type == kStdout || record.type == kEnd, "an answer or its end");
      text += record.type == kStdout ? record.content : "";
      if (record.type != kEnd) continue;
      daemon_.require_of_it(record.content == std::string(8, '\0'), "it ends as complete, with code 0");
      answers.push_back(read_text(text, record.id));
      text.clear();
    }
    daemon_.require_of_it(bytes.empty() || bytes[0] == 1, "nothing stands between records");
    return answers;
  }

 private:
  Answer read_text(const std::string& text, unsigned id) {
    const std::size_t end = text.find("\r\n\r\n");
    daemon_.require_of_it(end != std::string::npos, "header lines end");
    Answer answer{id, "", text.substr(end + 4)};
    bool has_type = false;
    for (const std::string& line : split(std::string_view(text).substr(0, end + 2), '\n')) {
      if (line.empty()) continue;
      const std::size_t colon = line.find(": ");
      const bool is_line =
          colon != std::string::npos && line.find('\r') == line.size() - 1 &&
          std::ranges::all_of(line.substr(0, line.size() - 1), [](char c) { return c >= ' ' && c < 0x7f; });
      daemon_.require_of_it(is_line, "every line is a field");
      if (line.starts_with("Status: ")) answer.status += line.substr(8, 3);
      has_type |= line.starts_with("Content-Type: ");
    }
    const bool is_number = answer.status.size() == 3 && answer.status >= "200" && answer.status < "600";
    daemon_.require_of_it(is_number && (has_type || answer.body.empty()),
                          "one status, and a type of the body");
    return answer;
  }

  Daemon& daemon_;
};

/// Whether the bytes hold a BEGIN of that request, wherever.
bool asks_by_id(std::string_view sent, unsigned id) {
  const std::string head{'\1', '\1', static_cast<char>(id / 256), static_cast<char>(id % 256)};
  return sent.find(head) != std::string_view::npos;
}

/// With scheme and host in lower case, as their case does not count.
std::string with_plain_origin(std::string uri) {
  constexpr std::size_t kOrigin = std::string_view("https://acme").size();
  const auto end = uri.begin() + static_cast<std::ptrdiff_t>(std::min(kOrigin, uri.size()));
  std::transform(uri.begin(), end, uri.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return uri;
}

/// Whether the bytes hold a query for the blob of `signed_uri`, and the name of a user who may.
bool asks_for(std::string_view sent, const std::string& signed_uri) {
  const std::string uri = decode(signed_uri.substr(0, signed_uri.find('?')), false);
  const Params params = read_params(joined_content(sent, kParams));
  const auto asks = [&](const auto& param) {
    return param.first == "QUERY_STRING" &&
           std::ranges::any_of(read_form(param.second), [&](const auto& pair) {
             return pair.first == "bloburi" && with_plain_origin(pair.second) == uri;
           });
  };
  const auto owns = [&](const auto& param) {
    return param.first == "BLOBVALET_USER" && !param.second.empty() &&
           uri.starts_with(std::string(kContainer) + param.second + "/");
  };
  return std::ranges::any_of(params, asks) && std::ranges::any_of(params, owns);
}

// What is sent.

class Bench {
 public:
  Bench() : daemon_(binary(), kConfig) {
    require_health();
    daemon_.require_of_it(ask(write_request(kSuccess, kForm)) == "200", "a callback is answered");
    descriptors_ = daemon_.descriptors();
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;
  Bench(Bench&&) = delete;
  Bench& operator=(Bench&&) = delete;
  ~Bench() { require_health(); }

  void run(std::string_view input) {
    speak(input);
    daemon_.require_of_it(daemon_.lives(), "it lives on");
    if (++inputs_ % kHealthyEvery == 0) require_health();
  }

 private:
  static std::string binary() {
    const char* chosen = std::getenv("BLOBVALET_BINARY");
    return chosen != nullptr ? chosen : BLOBVALET_BINARY;
  }

  /// On a connection of its own, which is closed behind it.
  void speak(std::string_view input) {
    const unsigned ending = take_choice(input) % 4;
    const std::size_t piece = take_choice(input);
    const auto socket = daemon_.connect();
    send_in_pieces(socket.get(), input, piece);
    if (ending == 1) ::shutdown(socket.get(), SHUT_WR);
    if (ending != 2) check(input, receive(socket.get(), 10ms).bytes);
  }

  static void send_in_pieces(int socket, std::string_view bytes, std::size_t piece) {
    constexpr unsigned kMaxPieces = 8;
    for (unsigned i = 0; !bytes.empty(); ++i) {
      const bool all = piece == 0 || i == kMaxPieces;
      const std::string_view part = bytes.substr(0, all ? bytes.size() : piece);
      if (::send(socket, part.data(), part.size(), MSG_NOSIGNAL) < 0) return;
      bytes.remove_prefix(part.size());
      if (!bytes.empty()) std::this_thread::sleep_for(50us);
    }
  }

  void check(std::string_view sent, std::string_view received) {
    for (const Answer& answer : AnswerReader(daemon_).read(received)) {
      daemon_.require_of_it(asks_by_id(sent, answer.id), "an answer is to a request");
      const bool is_signed = answer.body.find("sig=") != std::string::npos;
      daemon_.require_of_it(!is_signed || asks_for(sent, answer.body), "only what was asked for is signed");
      const std::string kind = answer.status + answer.body.substr(0, answer.status == "200" ? 8 : 64);
      answer_counters[std::hash<std::string>{}(kind) % std::size(answer_counters)] = 1;
    }
  }

  /// The answer's status; empty: none within a second.
  std::string ask(const std::string& request) {
    const auto socket = daemon_.connect();
    send_in_pieces(socket.get(), request, 0);
    const auto received = receive(socket.get(), 1s);
    const auto answers = AnswerReader(daemon_).read(received.bytes);
    return received.ended && answers.size() == 1 ? answers[0].status : "";
  }

  /// On a busy machine one answer is late now and then; that of a program that stalls is late twice.
  void require_health() {
    const auto is_prompt = [&] { return ask(write_request(kSignature)) == "200"; };
    daemon_.require_of_it(is_prompt() || is_prompt(), "a healthy request is answered within a second");
    for (int i = 0; i < 300 && daemon_.descriptors() > descriptors_ && descriptors_ > 0; ++i)
      std::this_thread::sleep_for(10ms);
    daemon_.require_of_it(descriptors_ == 0 || daemon_.descriptors() <= descriptors_,
                          "no descriptor stays behind");
  }

  Daemon daemon_;
  std::ptrdiff_t descriptors_ = 0;
  unsigned inputs_ = 0;
};

// Mutations that leave whole records, so that not every input ends at its first byte.

constexpr std::array<std::string_view, 10> kParamNames{
    "BLOBVALET_ENDPOINT", "REQUEST_METHOD", "BLOBVALET_USER", "QUERY_STRING",    "CONTENT_TYPE",
    "CONTENT_LENGTH",     "REMOTE_ADDR",    "HTTP_ORIGIN",    "BLOBVALET_VAR_A", "REQUEST_ID"};
constexpr std::array<std::string_view, 18> kValues{
    "signature",
    "success",
    "session",
    "health",
    "ready",
    "metrics",
    "GET",
    "POST",
    "PUT",
    "DELETE",
    "alice",
    "..",
    "",
    "92",
    "4294967296",
    "application/x-www-form-urlencoded",
    "_method=PUT&bloburi=https://acme/uploads/alice/%C3%A9",
    "_method=DELETE&bloburi=https://acme/uploads/bob/a&qqsize=5"};

class Mutator {
 public:
  Mutator(std::string_view input, unsigned seed)
      : random_(seed),
        params_(read_params(joined_content(input, kParams))),
        body_(joined_content(input, kStdin)) {
    if (params_.empty()) params_ = one_in(2) ? kSignature : kSuccess;
  }

  std::string mutate() {
    if (one_in(4)) {
      body_ = one_in(2) ? std::string(kForm) : changed(body_);
    } else {
      change_params();
    }
    if (one_in(2)) set("CONTENT_LENGTH", std::to_string(body_.size()));
    return write();
  }

 private:
  bool one_in(unsigned count) { return random_() % count == 0; }
  template <class Items>
  const auto& one_of(const Items& items) {
    return items[random_() % items.size()];
  }

  std::string changed(std::string text) {
    const std::size_t size = text.size();
    text.resize(size + 64);
    auto* data = reinterpret_cast<std::uint8_t*>(text.data());
    text.resize(LLVMFuzzerMutate(data, size, text.size()));
    return text;
  }

  /// Where there is a parameter of this name.
  void set(std::string_view name, std::string value) {
    const auto found = std::ranges::find(params_, name, &Params::value_type::first);
    if (found != params_.end()) found->second = std::move(value);
  }

  void change_params() {
    Params::value_type& chosen = params_[random_() % params_.size()];
    switch (random_() % 5) {
      case 0: chosen.second = one_of(kValues); break;
      case 1: chosen.second = changed(chosen.second); break;
      case 2: chosen.first = changed(chosen.first); break;
      case 3: params_.emplace_back(one_of(kParamNames), one_of(kValues)); break;
      default:
        if (params_.size() > 1) params_.erase(params_.begin() + (&chosen - params_.data()));
    }
  }

  std::string write() {
    const unsigned id = one_in(4) ? 1 + static_cast<unsigned>(random_()) % 65535 : 1;
    const std::size_t size = one_in(4) ? 1 + random_() % 300 : 65535;
    const unsigned padding = one_in(4) ? static_cast<unsigned>(random_()) % 256 : 0;
    std::string out = write_begin(one_in(2), id);
    if (one_in(16)) out += write_record(static_cast<unsigned>(random_()) % 12, "", one_in(2) ? id : 0);
    out += write_stream(kParams, write_params(params_, one_in(4)), id, size, padding);
    if (one_in(16)) out += write_record(kAbort, "", id);
    out += write_stream(kStdin, body_, one_in(32) ? id + 1 : id, size, padding);
    if (one_in(16)) out += out;
    if (one_in(16)) out.resize(random_() % out.size());
    return out;
  }

  std::minstd_rand random_;
  Params params_;
  std::string body_;
};

}  // namespace
}  // namespace blobvalet::fuzz

/// Half of the mutations are libFuzzer's own.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  using namespace blobvalet::fuzz;
  if (size < 2 || seed % 2 == 0) return LLVMFuzzerMutate(data, size, max_size);
  std::string out(as_text(data, 2));
  out += Mutator(as_text(data, size).substr(2), seed / 2).mutate();
  out.resize(std::min(out.size(), max_size));
  std::ranges::copy(out, data);
  return out.size();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace blobvalet::fuzz;
  static Bench bench;
  bench.run(as_text(data, size));
  return 0;
}
