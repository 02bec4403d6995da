#pragma once
#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/name_pattern.hpp"
#include "core/string_hash.hpp"

namespace blobvalet {

struct Rule;

/// Finds, among many rules, the few whose patterns may match a name, by the literal texts that these patterns
/// begin with and have behind their parameters. Looking costs one search for each distinct length of such
/// texts, however many rules there are. All patterns that begin with `*` are in one group, which every name
/// has to look at.
class RuleIndex {
 public:
  using Group = std::vector<const Rule*>;

  /// To be called in the order of the rules; `rule` outlives the index.
  void add(const NamePattern& pattern, const Rule& rule);

  /// Calls `visit` with each group that may have a match for the name, its rules in their order. Every rule
  /// that matches is in one of them, whoever the caller is.
  template <class Visit>
  void look(std::string_view name, Visit visit) const {
    look_below(root_, name, visit);
  }

 private:
  struct Node;
  struct Entry {
    Group group;  ///< whose patterns have nothing but `*`, or an end, behind this text
    std::unique_ptr<Node> behind_parameter;  ///< null: none has a parameter there
  };
  struct Length {
    std::size_t size;
    bool is_of_folders;  ///< all texts of this length end in a slash
    /// True if some text of this length may be the beginning of `name`.
    [[nodiscard]] bool may_begin(std::string_view name) const {
      return !is_of_folders || name[size - 1] == '/';
    }
  };
  struct Node {
    std::unordered_map<std::string, Entry, StringHash, std::equal_to<>> entries;
    std::vector<Length> lengths;  ///< of the texts, each once, in order

    [[nodiscard]] Entry& entry(const std::string& text);
  };

  template <class Visit>
  static void look_below(const Node& node, std::string_view name, Visit& visit) {
    for (const Length& length : node.lengths) {
      if (length.size > name.size()) return;
      if (!length.may_begin(name)) continue;
      const auto found = node.entries.find(name.substr(0, length.size));
      if (found == node.entries.end()) continue;
      const Entry& entry = found->second;
      if (!entry.group.empty()) visit(entry.group);
      if (entry.behind_parameter == nullptr) continue;
      // A parameter stands for one whole segment.
      const std::size_t end = std::min(name.find('/', length.size), name.size());
      look_below(*entry.behind_parameter, name.substr(end), visit);
    }
  }

  Node root_;
};

}  // namespace blobvalet
