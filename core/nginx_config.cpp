#include "core/nginx_config.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>

namespace blobvalet {
namespace {

constexpr std::string_view kFileLine = "# configuration file ";
constexpr int kDeepest = 64;  // of includes and blocks together

struct File {
  std::string name;
  std::string_view text;
};

/// The dump's files, in its order: the main one first.
std::vector<File> files_of(std::string_view dump) {
  std::vector<File> files;
  std::size_t begin_of_text = 0;
  for (std::size_t at = 0; at < dump.size();) {
    const std::size_t end = std::min(dump.find('\n', at), dump.size());
    const std::string_view line = dump.substr(at, end - at);
    const std::size_t next = std::min(end + 1, dump.size());
    if (line.starts_with(kFileLine) && line.ends_with(':')) {
      if (!files.empty()) files.back().text = dump.substr(begin_of_text, at - begin_of_text);
      files.push_back({std::string(line.substr(kFileLine.size(), line.size() - kFileLine.size() - 1)), {}});
      begin_of_text = next;
    }
    at = next;
  }
  if (!files.empty()) files.back().text = dump.substr(begin_of_text);
  return files;
}

struct Token {
  enum class Kind : std::uint8_t { word, semicolon, open, close, end };
  Kind kind = Kind::end;
  std::string text;
};

/// nginx's words ("ngx_conf_read_token"): separated by blanks, with quotes around a whole word, and
/// backslashes.
class Tokens {
 public:
  explicit Tokens(std::string_view text) : text_(text) {}

  [[nodiscard]] unsigned line() const { return line_; }

  Token next() {
    skip_blanks_and_comments();
    if (at_ == text_.size()) return {};
    switch (text_[at_]) {
      case ';': ++at_; return {Token::Kind::semicolon, {}};
      case '{': ++at_; return {Token::Kind::open, {}};
      case '}': ++at_; return {Token::Kind::close, {}};
      case '"':
      case '\'': return {Token::Kind::word, quoted()};
      default: return {Token::Kind::word, plain()};
    }
  }

 private:
  void skip_blanks_and_comments() {
    while (at_ < text_.size()) {
      if (text_[at_] == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
        continue;
      }
      if (!is_blank(text_[at_])) return;
      line_ += text_[at_] == '\n' ? 1U : 0U;
      ++at_;
    }
  }

  std::string quoted() {
    const char quote = text_[at_++];
    std::string word;
    while (at_ < text_.size() && text_[at_] != quote)
      take(word);
    at_ = std::min(at_ + 1, text_.size());
    return word;
  }

  std::string plain() {
    std::string word;
    while (at_ < text_.size() && !is_blank(text_[at_]) && text_[at_] != ';') {
      const bool is_variable = text_[at_] == '{' && word.ends_with('$');
      if (text_[at_] == '{' && !is_variable) break;
      take(word);
      if (!is_variable) continue;
      while (at_ < text_.size() && !word.ends_with('}'))
        take(word);
    }
    return word;
  }

  /// One character. A backslash protects a quote or a backslash, and stays before anything else.
  void take(std::string& word) {
    const char c = text_[at_];
    if (c == '\\' && at_ + 1 < text_.size()) {
      const char protects = text_[at_ + 1];
      if (protects != '"' && protects != '\'' && protects != '\\') word.push_back(c);
      word.push_back(protects);
      line_ += protects == '\n' ? 1U : 0U;
      at_ += 2;
      return;
    }
    line_ += c == '\n' ? 1U : 0U;
    word.push_back(c);
    ++at_;
  }

  static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

  std::string_view text_;
  std::size_t at_ = 0;
  unsigned line_ = 1;
};

/// Puts the files together.
class Reader {
 public:
  explicit Reader(std::vector<File> files) : files_(std::move(files)) {
    directory_ = std::filesystem::path(files_.front().name).parent_path();
  }

  /// Empty, or why it cannot be read.
  std::string read(std::vector<NginxDirective>& block) { return read_file(files_.front(), block, 0); }

 private:
  std::string read_file(const File& file, std::vector<NginxDirective>& block, int depth) {
    Tokens tokens(file.text);
    return read_block(file, tokens, block, depth, false);
  }

  std::string read_block(const File& file, Tokens& tokens, std::vector<NginxDirective>& block, int depth,
                         bool is_nested) {
    if (depth > kDeepest) return file.name + ": nests too deep";
    while (true) {
      std::vector<std::string> words;
      Token token = tokens.next();
      const std::string place = file.name + ":" + std::to_string(tokens.line());
      for (; token.kind == Token::Kind::word; token = tokens.next())
        words.push_back(std::move(token.text));
      if (words.empty() && token.kind == (is_nested ? Token::Kind::close : Token::Kind::end)) return {};
      if (words.empty() || token.kind == Token::Kind::end || token.kind == Token::Kind::close)
        return place + ": this is no directive of nginx";
      NginxDirective directive;
      directive.name = std::move(words.front());
      directive.args.assign(std::make_move_iterator(words.begin() + 1), std::make_move_iterator(words.end()));
      directive.place = place;
      std::string fault;
      if (token.kind == Token::Kind::open) {
        fault = read_block(file, tokens, directive.block, depth + 1, true);
      } else if (directive.name == "include" && directive.args.size() == 1) {
        fault = read_include(directive.args.front(), block, depth + 1);
        if (fault.empty()) continue;
      }
      if (!fault.empty()) return fault;
      block.push_back(std::move(directive));
    }
  }

  /// All files that the pattern means, which is relative to the main file's directory. The dump has each
  /// once.
  std::string read_include(const std::string& pattern, std::vector<NginxDirective>& block, int depth) {
    const std::string path = (directory_ / pattern).string();
    std::vector<const File*> found;
    for (const File& file : files_) {
      if (::fnmatch(path.c_str(), file.name.c_str(), FNM_PATHNAME) == 0) found.push_back(&file);
    }
    std::ranges::sort(found, {}, &File::name);
    for (const File* file : found) {
      std::string fault = read_file(*file, block, depth);
      if (!fault.empty()) return fault;
    }
    return {};
  }

  std::vector<File> files_;
  std::filesystem::path directory_;
};

constexpr std::string_view kEndpoint = "BLOBVALET_ENDPOINT";

void collect(std::vector<const NginxDirective*>& scopes, std::vector<NginxLocation>& found) {
  const NginxDirective& scope = *scopes.back();
  if (scope.name == "location") {
    NginxLocation location;
    location.scopes = scopes;
    const bool has_own =
        std::ranges::any_of(scope.block, [](const NginxDirective& d) { return d.name == "fastcgi_param"; });
    location.endpoint = has_own ? location.parameter(kEndpoint) : std::string_view();
    if (!scope.args.empty()) location.path = scope.args.back();
    if (!location.endpoint.empty()) found.push_back(std::move(location));
  }
  for (const NginxDirective& child : scope.block) {
    if (child.name != "http" && child.name != "server" && child.name != "location") continue;
    scopes.push_back(&child);
    collect(scopes, found);
    scopes.pop_back();
  }
}

}  // namespace

std::string NginxDirective::text() const {
  std::string all;
  for (const std::string& arg : args)
    all.append(all.empty() ? "" : " ").append(arg);
  return all;
}

const NginxDirective* NginxDirective::find(std::string_view wanted) const {
  const auto found = std::find_if(block.rbegin(), block.rend(),
                                  [&](const NginxDirective& directive) { return directive.name == wanted; });
  return found == block.rend() ? nullptr : &*found;
}

tl::expected<NginxConfig, std::string> NginxConfig::parse(std::string_view dump) {
  auto files = files_of(dump);
  if (files.empty()) return tl::unexpected(std::string("this is not what nginx -T prints"));
  NginxConfig config;
  std::string fault = Reader(std::move(files)).read(config.main_.block);
  if (!fault.empty()) return tl::unexpected(std::move(fault));
  return config;
}

const NginxDirective* NginxLocation::find(std::string_view name) const {
  for (auto scope = scopes.rbegin(); scope != scopes.rend(); ++scope) {
    if (const NginxDirective* directive = (*scope)->find(name)) return directive;
  }
  return nullptr;
}

std::vector<const NginxDirective*> NginxLocation::all(std::string_view name) const {
  std::vector<const NginxDirective*> found;
  for (auto scope = scopes.rbegin(); scope != scopes.rend() && found.empty(); ++scope) {
    for (const NginxDirective& directive : (*scope)->block) {
      if (directive.name == name) found.push_back(&directive);
    }
  }
  return found;
}

std::string_view NginxLocation::parameter(std::string_view name) const {
  for (const NginxDirective* directive : all("fastcgi_param")) {
    if (directive->args.size() >= 2 && directive->args[0] == name) return directive->args[1];
  }
  return {};
}

const NginxDirective& NginxLocation::server() const {
  const auto is_server = [](const NginxDirective* scope) { return scope->name == "server"; };
  return **std::ranges::find_if(scopes, is_server);
}

std::vector<NginxLocation> blobvalet_locations(const NginxConfig& config) {
  std::vector<const NginxDirective*> scopes{&config.main()};
  std::vector<NginxLocation> found;
  collect(scopes, found);
  return found;
}

const NginxDirective* nginx_map(const NginxConfig& config, std::string_view variable) {
  const NginxDirective* http = config.main().find("http");
  if (http == nullptr) return nullptr;
  for (const NginxDirective& directive : http->block) {
    if (directive.name == "map" && directive.args.size() == 2 && directive.args[1] == variable)
      return &directive;
  }
  return nullptr;
}

std::vector<std::string> upstream_sockets(const NginxConfig& config, std::string_view upstream) {
  std::vector<std::string> sockets;
  const NginxDirective* http = config.main().find("http");
  if (http == nullptr) return sockets;
  for (const NginxDirective& directive : http->block) {
    if (directive.name != "upstream" || directive.text() != upstream) continue;
    for (const NginxDirective& server : directive.block) {
      constexpr std::string_view kUnix = "unix:";
      if (server.name != "server" || server.args.empty() || !server.args[0].starts_with(kUnix)) continue;
      std::string path = std::filesystem::path(server.args[0].substr(kUnix.size())).lexically_normal();
      if (std::ranges::find(sockets, path) == sockets.end()) sockets.push_back(std::move(path));
    }
  }
  return sockets;
}

}  // namespace blobvalet
