/* path.h: the form of file paths on this platform. */
#ifndef SB_OS_PATH_H
#define SB_OS_PATH_H

#include <stdbool.h>
#include <stdio.h>

bool sb_path_is_absolute(const char *path);
/* False for a bare name, which is looked up on PATH when it is a command. */
bool sb_path_has_separator(const char *path);
/* `path` seen from the folder `base` (NULL: the process's current folder), absolute when base
 * is; to be freed. NULL without memory or current folder. */
char *sb_path_resolve(const char *base, const char *path);
/* The first `folder_len` bytes of a folder, the separator ('\0': none is needed there) and `path`;
 * to be freed. NULL without memory. */
char *sb_path_join(const char *folder, size_t folder_len, char separator, const char *path);
/* The file of the running program, absolute; to be freed. NULL when the system cannot tell. */
char *sb_path_executable(void);
/* The absolute folder that holds the file `path`; to be freed. NULL as above. */
char *sb_path_folder(const char *path);
/* Opens a file for reading its bytes; children do not inherit it. NULL with errno set. */
FILE *sb_file_open(const char *path);

#endif
