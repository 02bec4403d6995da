#pragma once
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace blobvalet {

/// One directive of nginx, such as `listen 443 ssl;` or `server { ... }`.
struct NginxDirective {
  std::string name;
  std::vector<std::string> args;  ///< without quotes
  std::vector<NginxDirective> block;
  std::string place;  ///< `file:line`

  /// The arguments as one text.
  [[nodiscard]] std::string text() const;
  /// The last directive of this name in the block, which is the one that counts where only one may; null:
  /// none.
  [[nodiscard]] const NginxDirective* find(std::string_view name) const;
};

/// nginx's configuration as `nginx -T` prints it: every file, behind a line with its name.
class NginxConfig {
 public:
  /// Reads a dump and puts each `include` in its place. Fails, with the reason, for what is no such dump, for
  /// a file that ends within a directive, and for includes that nest deeper than nginx would go.
  [[nodiscard]] static tl::expected<NginxConfig, std::string> parse(std::string_view dump);

  /// All directives of the main context.
  [[nodiscard]] const NginxDirective& main() const { return main_; }

 private:
  NginxDirective main_;
};

/// A location that passes requests to blobvalet.
struct NginxLocation {
  std::string endpoint;                       ///< its BLOBVALET_ENDPOINT, such as `signature`
  std::string path;                           ///< such as `/blobvalet/signature`
  std::vector<const NginxDirective*> scopes;  ///< main, http, server, location: the outermost first

  /// The directive of this name that holds here, by nginx's inheritance: that of the innermost scope with
  /// one.
  [[nodiscard]] const NginxDirective* find(std::string_view name) const;
  /// All directives of this name that hold here: those of the innermost scope with one.
  [[nodiscard]] std::vector<const NginxDirective*> all(std::string_view name) const;
  /// The value of a FastCGI parameter; empty: it has none.
  [[nodiscard]] std::string_view parameter(std::string_view name) const;
  [[nodiscard]] const NginxDirective& server() const;
};

/// All locations with a BLOBVALET_ENDPOINT, in the order of the files. They point into `config`.
[[nodiscard]] std::vector<NginxLocation> blobvalet_locations(const NginxConfig& config);

/// The `map` that sets `variable` (with its `$`), as the block of its lines; null: none does.
[[nodiscard]] const NginxDirective* nginx_map(const NginxConfig& config, std::string_view variable);

/// The unix sockets of an upstream, each once and in their plain spelling.
[[nodiscard]] std::vector<std::string> upstream_sockets(const NginxConfig& config, std::string_view upstream);

}  // namespace blobvalet
