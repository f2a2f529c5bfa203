/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* winewatch top: which process of a tree has watched memory. */
#include "config.h"

#include "tool.h"
#include "top.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct entry {
	pid_t pid;
	pid_t parent;
	bool in_tree;
};

struct tree {
	struct entry *entries;
	size_t n;
};

static FILE *open_of(pid_t pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return fopen(path, "re");
}

/* Behind the name of the program, which may hold anything. */
static pid_t parent_of(pid_t pid)
{
	char line[512], *end;
	int parent = 0;
	FILE *stat = open_of(pid, "stat");

	if (!stat)
		return 0;
	if (fgets(line, sizeof(line), stat) && (end = strrchr(line, ')')))
		sscanf(end, ") %*c %d", &parent);
	fclose(stat);
	return (pid_t)parent;
}

static void list_processes(struct tree *tree)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		pid_t pid = (pid_t)atoi(entry->d_name);

		if (!isdigit((unsigned char)*entry->d_name))
			continue;
		tree->entries = resize_array(tree->entries, tree->n + 1,
					     sizeof(*tree->entries));
		tree->entries[tree->n++] = (struct entry){ pid, parent_of(pid),
							   false };
	}
	if (folder)
		closedir(folder);
}

static bool is_in_tree(const struct tree *tree, pid_t pid)
{
	for (size_t i = 0; i < tree->n; i++)
		if (tree->entries[i].pid == pid)
			return tree->entries[i].in_tree;
	return false;
}

/* Marks the descendants of root; it stands first by itself. */
static void grow(struct tree *tree, pid_t root)
{
	bool grown = true;

	while (grown) {
		grown = false;
		for (size_t i = 0; i < tree->n; i++) {
			struct entry *entry = &tree->entries[i];

			if (entry->in_tree || (entry->parent != root &&
					       !is_in_tree(tree, entry->parent)))
				continue;
			entry->in_tree = true;
			grown = true;
		}
	}
}

static struct tree descendants(pid_t root)
{
	struct tree tree = { 0 };

	list_processes(&tree);
	grow(&tree, root);
	return tree;
}

/* 0, -ENOENT without watched memory, or why it cannot be told. */
static int find_in(struct ww_process *process, pid_t pid)
{
	struct ww_run view;
	int ret = ww_foreign_find(process, pid);
	ssize_t n;

	if (ret)
		return ret;
	n = ww_foreign_views(process, &view, 1);
	return n > 0 ? 0 : n ? (int)n : -ENOENT;
}

int top_find(struct ww_process *process, pid_t root)
{
	int ret = root == getpid() ? -ENOENT : find_in(process, root);
	struct tree tree;
	bool found = false;

	if (ret != -ENOENT)
		return ret;
	tree = descendants(root);
	for (size_t i = 0; !found && i < tree.n; i++)
		found = tree.entries[i].in_tree &&
			!find_in(process, tree.entries[i].pid);
	free(tree.entries);
	return found ? 0 : -ENOENT;
}

static bool has_library(pid_t pid)
{
	char line[4096];
	bool found = false;
	FILE *maps = open_of(pid, "maps");

	if (!maps)
		return false;
	while (!found && fgets(line, sizeof(line), maps))
		found = strstr(line, "/libwinewatch.so") ||
			strstr(line, "/libwritewatch");
	fclose(maps);
	return found;
}

bool top_has_library(pid_t root)
{
	bool found = has_library(root);
	struct tree tree = descendants(root);

	for (size_t i = 0; !found && i < tree.n; i++)
		found = tree.entries[i].in_tree &&
			has_library(tree.entries[i].pid);
	free(tree.entries);
	return found;
}
