// daemon_config.h: a configuration in a file of its own, in a folder of its own.
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include <fstream>
#include <string>

#include "processes.h"

class ConfigFile {
  public:
    explicit ConfigFile(const std::string &json) : path_(folder_.Path("bus.json")) {
        std::ofstream(path_, std::ios::binary) << json;
    }
    const std::string &Path() const {
        return path_;
    }
    std::string Beside(const std::string &name) const {
        return folder_.Path(name);
    }

  private:
    TempFolder folder_;
    std::string path_;
};

#endif
