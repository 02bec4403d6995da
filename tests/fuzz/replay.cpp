// Gives a fuzz target the inputs that are kept, without libFuzzer: the first ones, and those that it once
// violated a property with.
//
//   fuzz_replay TARGET DIRECTORY...
#include <dlfcn.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

/// libFuzzer's own, which nobody calls here.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* /*data*/, std::size_t size, std::size_t /*max_size*/) {
  return size;
}

namespace {

using Entry = int (*)(const std::uint8_t*, std::size_t);

/// Each target has an entry of its own name in this program; null: there is none.
Entry find_target(const std::string& name) {
  return reinterpret_cast<Entry>(::dlsym(RTLD_DEFAULT, name.c_str()));
}

std::vector<std::filesystem::path> inputs_in(const std::vector<std::string>& directories) {
  std::vector<std::filesystem::path> files;
  for (const std::string& directory : directories) {
    for (const auto& file : std::filesystem::directory_iterator(directory))
      files.push_back(file.path());
  }
  std::ranges::sort(files);
  return files;
}

void replay(Entry target, const std::filesystem::path& file) {
  std::cout << file.string() << std::endl;  // at once, so that it is known which one ends the program
  std::ifstream stream(file, std::ios::binary);
  const std::vector<char> bytes(std::istreambuf_iterator<char>(stream), {});
  target(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const Entry target = arguments.empty() ? nullptr : find_target(arguments[0]);
  if (target == nullptr) {
    std::cerr << "usage: fuzz_replay TARGET DIRECTORY...\n";
    return 2;
  }
  const auto files = inputs_in({arguments.begin() + 1, arguments.end()});
  for (const auto& file : files)
    replay(target, file);
  return files.empty() ? 1 : 0;
}
