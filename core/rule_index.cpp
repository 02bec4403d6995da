#include "core/rule_index.hpp"

#include <span>

namespace blobvalet {

RuleIndex::Entry& RuleIndex::Node::entry(const std::string& text) {
  auto place = std::ranges::lower_bound(lengths, text.size(), {}, &Length::size);
  if (place == lengths.end() || place->size != text.size())
    place = lengths.insert(place, {text.size(), true});
  place->is_of_folders &= text.ends_with('/');
  return entries[text];
}

void RuleIndex::add(const NamePattern& pattern, const Rule& rule) {
  const std::vector<std::string> literals = pattern.literals();
  Node* node = &root_;
  for (const std::string& text : std::span(literals).first(literals.size() - 1)) {
    auto& behind = node->entry(text).behind_parameter;
    if (behind == nullptr) behind = std::make_unique<Node>();
    node = behind.get();
  }
  Group& group = node->entry(literals.back()).group;
  if (group.empty() || group.back() != &rule) group.push_back(&rule);
}

}  // namespace blobvalet
