/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Measuring the cases of the bench in a Wine: the Windows program that has them
 * runs twice at the same time, without and with winewatch, and each is told in
 * turn what to measure, once.
 */
#include "config.h"

#include "bench_wine.h"

#include "../bench/pattern.h"
#include "child.h"
#include "prefix.h"
#include "preload.h"
#include "suite.h"
#include "tool.h"
#include "try_wine.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The first start may make the prefix. */
#define START_S 180
/* Nothing that ends takes so long. */
#define GROUP_S 60
#define TURN_MS 100
#define STOP_TURNS 30
#define MOST_IN_A_GROUP 16
#define LINE_BYTES 2048

/* The program in one Wine. */
struct player {
	struct setting setting;
	char *method;		/* for the memory that it watches */
	pid_t pid;		/* 0: it does not run */
	int in, out;		/* pipes to and from it */
	char line[LINE_BYTES];	/* read from it, without an end yet */
	size_t n_line;
	bool is_broken;		/* it cannot be started */
	bool is_late;		/* it has not answered in time */
};

/* The two of a Wine, and what is measured in one turn. */
struct play {
	struct bench *bench;
	struct player players[2];
	size_t n_players;
	const char *names[MOST_IN_A_GROUP];
	size_t n_names;
};

/* ---- The program ---- */

/* In the new process. */
static void __attribute__((noreturn)) become(const struct player *player,
					     int in, int out, bool quick)
{
	const char *const arguments[] = { quick ? "--quick" : NULL, NULL };
	int errors = open("/dev/null", O_WRONLY | O_CLOEXEC);
	sigset_t none;

	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (dup2(in, 0) >= 0 && dup2(out, 1) >= 0 && dup2(errors, 2) >= 0)
		setting_become(&player->setting, arguments);
	_exit(EXIT_NOT_FOUND);
}

static bool open_pipes(int *to, int *from)
{
	if (pipe2(to, O_CLOEXEC))
		return false;
	if (pipe2(from, O_CLOEXEC) == 0)
		return true;
	close(to[0]);
	close(to[1]);
	return false;
}

static bool start(struct player *player, bool quick)
{
	int to[2], from[2];

	if (!open_pipes(to, from))
		return false;
	player->pid = fork();
	if (player->pid == 0)
		become(player, to[0], from[1], quick);
	close(to[0]);
	close(from[1]);
	player->in = to[1];
	player->out = from[0];
	player->n_line = 0;
	if (player->pid > 0) {
		setpgid(player->pid, player->pid);
		return true;
	}
	close(player->in);
	close(player->out);
	player->pid = 0;
	return false;
}

static bool has_ended(const struct player *player)
{
	siginfo_t end = { 0 };

	waitid(P_PID, (id_t)player->pid, &end, WEXITED | WNOHANG | WNOWAIT);
	return end.si_pid;
}

/* Without input it ends by itself, unless it is stuck. */
static void stop(struct player *player)
{
	if (!player->pid)
		return;
	close(player->in);
	for (int i = 0; i < STOP_TURNS && !has_ended(player); i++)
		poll(NULL, 0, TURN_MS);
	kill(-player->pid, SIGKILL);
	waitpid(player->pid, NULL, 0);
	close(player->out);
	player->pid = 0;
}

/* ---- Its answers ---- */

static bool is_interrupted(void)
{
	sigset_t ending = ending_signals(), pending;

	sigpending(&pending);
	for (int i = 1; i < SIGRTMIN; i++)
		if (sigismember(&ending, i) > 0 && sigismember(&pending, i) > 0)
			return true;
	return false;
}

/* Whether there is something to read before the end. */
static bool wait_for(struct player *player, double end)
{
	struct pollfd poll_for = { .fd = player->out, .events = POLLIN };

	while (!is_interrupted()) {
		if (poll(&poll_for, 1, TURN_MS) > 0)
			return true;
		player->is_late = bench_wall_ns() >= end;
		/* a wineserver may hold the pipe open */
		if (player->is_late || has_ended(player))
			return false;
	}
	return false;
}

/* The next line, without its end; false: there is none in time. */
static bool next_line(struct player *player, char *line, double end)
{
	char *newline;
	ssize_t n;

	while (!(newline = memchr(player->line, '\n', player->n_line))) {
		if (player->n_line == LINE_BYTES || !wait_for(player, end))
			return false;
		n = read(player->out, player->line + player->n_line,
			 LINE_BYTES - player->n_line);
		if (n <= 0)
			return false;
		player->n_line += (size_t)n;
	}
	n = newline - player->line;
	memcpy(line, player->line, (size_t)n);
	line[n && line[n - 1] == '\r' ? n - 1 : n] = '\0';
	player->n_line -= (size_t)n + 1;
	memmove(player->line, newline + 1, player->n_line);
	return true;
}

/* The name of the row that a sample of watched or unwatched memory belongs to. */
static void name_method(const struct player *player, const char *memory,
			char *method)
{
	snprintf(method, BENCH_NAME_BYTES, "%s%s", player->method,
		 strcmp(memory, "unwatched") ? "" : BENCH_UNWATCHED);
}

static void take_line(struct bench *bench, const struct player *player,
		      char *line)
{
	char method[BENCH_NAME_BYTES];
	char *fields[5] = { 0 };

	for (int i = 0; i < 5 && line; i++)
		fields[i] = strsep(&line, "\t");
	if (!fields[1])
		return;
	if (strcmp(fields[0], "remark") == 0)
		bench_remark(bench, "%s: %s", player->method, fields[1]);
	else if (strcmp(fields[0], "message") == 0)
		complain("%s: %s", player->method, fields[1]);
	if (!fields[2])
		return;
	name_method(player, fields[2], method);
	if (strcmp(fields[0], "wrong") == 0)
		bench_add_wrong(bench, fields[1], method);
	else if (strcmp(fields[0], "sample") == 0 && fields[4])
		bench_add(bench, fields[1], method, atof(fields[4]),
			  (size_t)strtoull(fields[3], NULL, 10));
}

/* Takes what it says until that line; false: it does not come. */
static bool take_until(struct bench *bench, struct player *player,
		       const char *last, unsigned int seconds)
{
	double end = bench_wall_ns() + seconds * 1e9;
	char line[LINE_BYTES];

	while (next_line(player, line, end)) {
		if (strcmp(line, last) == 0)
			return true;
		take_line(bench, player, line);
	}
	return false;
}

/* ---- Groups ---- */

/* Of cases that are measured together: all about the same pattern, or the same
 * mix. */
static const char *group_of(const char *name, size_t *n)
{
	const char *start = strchr(name, '/') + 1;

	if (strncmp(name, "mix/", 4) == 0) {
		*n = (size_t)(strrchr(name, '/') - start);
		return start;
	}
	if (strncmp(name, "threads/", 8) == 0)
		start = name;
	*n = strlen(start);
	return start;
}

static bool same_group(const char *one, const char *other)
{
	size_t n, n_other;
	const char *group = group_of(one, &n);
	const char *group_other = group_of(other, &n_other);

	return n == n_other && strncmp(group, group_other, n) == 0;
}

/* The group that begins at that case. */
static void choose(struct play *play, size_t first)
{
	const struct bench *bench = play->bench;
	size_t n = 0;

	do
		play->names[n] = bench->cases[first + n];
	while (++n < MOST_IN_A_GROUP && first + n < bench->n_cases &&
	       same_group(bench->cases[first], bench->cases[first + n]));
	play->n_names = n;
}

/* ---- Turns ---- */

static bool tell(const struct play *play, const struct player *player)
{
	char line[LINE_BYTES];
	size_t n = 0;

	for (size_t i = 0; i < play->n_names; i++)
		n += (size_t)snprintf(line + n, sizeof(line) - n, "%s%c",
				      play->names[i],
				      i + 1 < play->n_names ? ' ' : '\n');
	return write(player->in, line, n) == (ssize_t)n;
}

static bool is_ready(struct play *play, struct player *player)
{
	if (player->pid || player->is_broken)
		return player->pid;
	if (start(player, play->bench->quick) &&
	    take_until(play->bench, player, "ready", START_S))
		return true;
	stop(player);
	player->is_broken = true;
	return false;
}

static void remark_end(struct play *play, const struct player *player)
{
	size_t n;
	const char *group = group_of(play->names[0], &n);

	if (player->is_late)
		bench_remark(play->bench, "%s: %.*s did not end within %d s",
			     player->method, (int)n, group, GROUP_S);
	else
		bench_remark(play->bench, "%s: its program ended in %.*s",
			     player->method, (int)n, group);
}

/* Measures the group once. False: it did not end, nor will it. */
static bool take_turn(struct play *play, struct player *player)
{
	if (!is_ready(play, player))
		return false;
	if (tell(play, player) &&
	    take_until(play->bench, player, "done", GROUP_S))
		return true;
	if (!is_interrupted())
		remark_end(play, player);
	stop(player);
	return false;
}

/* The number of pages in the name, or 0. */
static size_t pages_of(const char *name)
{
	size_t n_pages;

	return sscanf(name, "%*[a-z-]/%zu/", &n_pages) == 1 ? n_pages : 0;
}

static size_t repetitions(const struct play *play)
{
	size_t full = pages_of(play->names[0]) > BENCH_MANY_PAGES ? 3 : 7;

	return bench_repetitions(play->bench, full, 1);
}

static void measure_group(struct play *play)
{
	bool ended[2] = { true, true };
	size_t n = repetitions(play);

	if (play->bench->quick && pages_of(play->names[0]) > BENCH_MANY_PAGES) {
		bench_remark(play->bench, "%s: left out for %d pages by --quick",
			     play->players[0].method,
			     (int)pages_of(play->names[0]));
		return;
	}
	while (n-- && !is_interrupted())
		for (size_t i = 0; i < play->n_players; i++)
			ended[i] = ended[i] &&
				   take_turn(play, &play->players[i]);
}

static void measure_all(struct play *play)
{
	struct bench *bench = play->bench;

	bench->n_done = 0;
	for (size_t i = 0; i < bench->n_cases; i += play->n_names) {
		char *title;

		choose(play, i);
		title = format_text("%s %s", play->players[0].method,
				    play->names[0]);
		bench_begin(bench, title);
		free(title);
		measure_group(play);
		bench_end(bench, play->n_names);
	}
}

/* ---- One Wine ---- */

/* Why winewatch does not serve the Wine, or NULL. */
static char *stays_out(const char *command)
{
	struct wine wine = { .command = command };
	char *reason = NULL;

	try_wine(&wine);
	if (wine.state != WW_SUPPORTED || strcmp(wine.reason, SERVED) != 0)
		reason = format_text("%s", wine.reason);
	free_wine(&wine);
	return reason;
}

static bool is_taken(const struct bench *bench, const char *method)
{
	for (size_t i = 0; i < bench->n_rows; i++)
		if (strcmp(bench->rows[i].method, method) == 0)
			return true;
	return false;
}

/* Unlike the method that is written after such a Wine, and another Wine of the
 * version. */
static char *unique_name(const struct bench *bench, const char *version)
{
	char *name = format_text("wine-%s", version);

	for (int i = 2; is_taken(bench, name); i++) {
		free(name);
		name = format_text("wine-%s#%d", version, i);
	}
	return name;
}

static void add_players(struct play *play, const struct setting *stock,
			const char *version, const char *library)
{
	struct player *players = play->players;
	char *why_not = stays_out(stock->wine);

	players[0].setting = players[1].setting = *stock;
	players[0].method = unique_name(play->bench, version);
	players[1].method = format_text("%s" BENCH_WITH_WINEWATCH,
					players[0].method);
	players[1].setting.library = library;
	play->n_players = why_not ? 1 : 2;
	if (why_not)
		bench_remark(play->bench, "%s: left out: %s", players[1].method,
			     why_not);
	free(why_not);
}

/* NULL, or why nothing was measured. */
static char *play_all(struct play *play)
{
	struct player *broken = NULL;

	measure_all(play);
	for (size_t i = 0; i < 2; i++) {
		stop(&play->players[i]);
		if (play->players[i].is_broken)
			broken = &play->players[i];
	}
	return broken ? format_text("the program of the bench does not start "
				    "in %s", broken->method) : NULL;
}

static char *measure_wine(struct bench *bench, struct setting *setting,
			  const char *version)
{
	struct play play = { .bench = bench };
	struct preload preload;
	struct prefix prefix;
	char *why_not;

	if (prefix_open(&prefix))
		return format_text("no wineprefix: %s", strerror(errno));
	preload_find(&preload);
	setting->prefix = prefix.path;
	add_players(&play, setting, version, preload.path);
	why_not = play_all(&play);
	for (size_t i = 0; i < 2; i++)
		free(play.players[i].method);
	free(preload.path);
	prefix_close(&prefix);
	return why_not;
}

static char *measure_command(struct bench *bench, const char *command,
			     const char *program)
{
	struct setting setting = { .program = program, .wine = command };
	char *version = NULL, *why_not;

	if (access(program, R_OK))
		return format_text("%s was not built",
				   strrchr(program, '/') + 1);
	why_not = setting_version(&setting, &version);
	if (!why_not)
		why_not = measure_wine(bench, &setting, version);
	free(version);
	return why_not;
}

char *bench_wine(struct bench *bench, const char *command)
{
	/* what has ended is told by its answers, not by a signal; and whatever
	 * ends us, a wineprefix of ours is removed first */
	void (*on_pipe)(int) = signal(SIGPIPE, SIG_IGN);
	sigset_t ending = ending_signals();
	struct suite_files files;
	sigset_t before;
	char *why_not;

	sigprocmask(SIG_BLOCK, &ending, &before);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	suite_find(&files);
	why_not = measure_command(bench, command, files.bench);
	suite_files_free(&files);
	sigprocmask(SIG_SETMASK, &before, NULL);
	signal(SIGPIPE, on_pipe);
	return why_not;
}
