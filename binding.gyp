{
  "targets": [{
    "target_name": "tool_r0_native_cmake",
    "type": "none",
    "actions": [{
      "action_name": "cmake_js",
      "message": "compiling the addon with CMake",
      "inputs": ["<(module_root_dir)/CMakeLists.txt"],
      "outputs": ["<(module_root_dir)/build/Release/tool_r0_native.node"],
      "action": ["node", "<(module_root_dir)/scripts/build-native.js"]
    }]
  }]
}
