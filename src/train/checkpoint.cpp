#include "train/checkpoint.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/crc32c.h"
#include "base/error.h"
#include "base/log.h"
#include "train/tensor_io.h"

namespace spc {
namespace {

std::string as_path(std::string name) {
  std::replace(name.begin(), name.end(), '.', '/');
  return name;
}

// "step-<digits><end>", newest first.
std::vector<std::filesystem::path> list_files(const std::filesystem::path& run,
                                              const std::string& end) {
  std::vector<std::filesystem::path> paths;
  std::error_code missing;
  for (const auto& entry : std::filesystem::directory_iterator(run / "checkpoints", missing)) {
    const std::string name = entry.path().filename();
    if (name.starts_with("step-") && name.ends_with(end)) paths.push_back(entry.path());
  }
  std::sort(paths.rbegin(), paths.rend());
  return paths;
}

int64_t step_of(const std::filesystem::path& checkpoint) {
  return std::atoll(checkpoint.filename().c_str() + std::string("step-").size());
}

// Over everything in it but the tensors, which have checksums of their own.
int64_t checksum(const CheckpointInfo& info) {
  const std::string text =
      concat(info.step, '\n', info.utterances, '\n', info.num_mel_bins, '\n', info.fbank, '\n',
             info.network, '\n', info.config, '\n', info.precision, '\n', info.data, '\n',
             info.version, '\n', info.next_batch);
  return crc32c(text.data(), text.size());
}

}  // namespace

std::filesystem::path checkpoint_path(const std::filesystem::path& run, int64_t step) {
  std::string name(32, '\0');
  name.resize(static_cast<size_t>(
      std::snprintf(name.data(), name.size(), "step-%08lld.h5", static_cast<long long>(step))));
  return run / "checkpoints" / name;
}

std::filesystem::path best_checkpoint_path(const std::filesystem::path& run) {
  return run / "checkpoints" / "best.h5";
}

void save_checkpoint(const std::filesystem::path& path, const TensorTable& state,
                     const CheckpointInfo& info) {
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path());
  write_tensor_file(path, [&](TensorFileWriter& file) {
    for (const NamedTensor& each : state) {
      const at::Tensor tensor = each.tensor.detach().cpu().contiguous();
      file.tensor(as_path(each.name), with_context(each.name, [&] { return view_of(tensor); }));
    }
    file.attribute("step", info.step);
    file.attribute("utterances", info.utterances);
    file.attribute("num_mel_bins", info.num_mel_bins);
    file.attribute("fbank", info.fbank);
    file.attribute("network", info.network);
    file.attribute("config", info.config);
    file.attribute("precision", info.precision);
    file.attribute("data", info.data);
    file.attribute("version", info.version);
    file.attribute("next_batch", info.next_batch);
    file.attribute("crc32c", checksum(info));
  });
}

TensorFile open_checkpoint(const std::filesystem::path& path) {
  SPC_CHECK(std::filesystem::exists(path), "no checkpoint ", path.string());
  return with_context(path.string() + " is no checkpoint of `spcnet train`, or damaged", [&] {
    TensorFile file(path);
    read_info(file);
    return file;
  });
}

CheckpointInfo read_info(const TensorFile& file) {
  CheckpointInfo info{file.int_attribute("step"),         file.int_attribute("utterances"),
                      file.int_attribute("num_mel_bins"), file.string_attribute("fbank"),
                      file.string_attribute("network"),   file.string_attribute("config"),
                      file.string_attribute("precision"), file.string_attribute("data"),
                      file.string_attribute("version"),   file.string_attribute("next_batch")};
  SPC_CHECK(file.int_attribute("crc32c") == checksum(info), file.path().string(),
            ": what it says of the run has a wrong checksum: the file is damaged");
  return info;
}

void load_tensors(const TensorFile& file, const std::string& prefix, const TensorTable& table) {
  for (const NamedTensor& each : table) {
    const std::string name = as_path(prefix + each.name);
    const auto found = file.tensors().find(name);
    SPC_CHECK(found != file.tensors().end(), file.path().string(), " has no tensor ", name,
              ": it belongs to another configuration");
    SPC_CHECK(at::IntArrayRef(found->second.shape) == each.tensor.sizes(), file.path().string(),
              ": ", name, " has shape ", at::IntArrayRef(found->second.shape),
              ", this configuration needs ", each.tensor.sizes());
    const c10::NoGradGuard no_grad;
    at::Tensor target = each.tensor;
    target.copy_(read_tensor(file, name));
  }
}

std::vector<std::filesystem::path> list_checkpoints(const std::filesystem::path& run) {
  return list_files(run, ".h5");
}

std::optional<TensorFile> newest_valid_checkpoint(const std::filesystem::path& run) {
  const std::vector<std::filesystem::path> paths = list_checkpoints(run);
  for (const std::filesystem::path& path : paths) {
    try {
      TensorFile file(path);
      file.verify();
      read_info(file);
      return file;
    } catch (const Error& error) {
      log_warning(
          concat("checkpoint ", path.string(), " is damaged and passed over: ", error.what()));
    }
  }
  SPC_CHECK(paths.empty(), "every checkpoint in ", (run / "checkpoints").string(),
            " is damaged; restore one, or start again with another --run");
  return std::nullopt;
}

void set_aside_later(const std::filesystem::path& run, int64_t step) {
  for (const std::filesystem::path& path : list_checkpoints(run)) {
    if (step_of(path) <= step) continue;
    const std::filesystem::path aside = path.string() + ".damaged";
    std::filesystem::rename(path, aside);
    log_warning(concat("it is kept as ", aside.string()));
  }
}

void delete_old_checkpoints(const std::filesystem::path& run, int64_t keep,
                            int64_t milestone_steps) {
  const std::vector<std::filesystem::path> paths = list_checkpoints(run);
  for (size_t i = static_cast<size_t>(keep); i < paths.size(); ++i)
    if (milestone_steps == 0 || step_of(paths[i]) % milestone_steps != 0)
      std::filesystem::remove(paths[i]);
  for (const std::filesystem::path& half : list_files(run, ".h5.tmp"))
    std::filesystem::remove(half);
  std::filesystem::remove(best_checkpoint_path(run).string() + ".tmp");
}

}  // namespace spc
