/*
 * keyprogram.c
 *		The process of privacy_retention.key_command: started, heard, ended.
 *
 * Invariant: whatever happens to the caller, no process is left behind, no zombie
 * and no descriptor.
 *
 * The server's OpenPipeStream() tells no process id, without which a program that
 * hangs could not be killed.  The child has a process group of its own, so that
 * what it started is killed with it, is the program itself and not a shell that
 * waits for it, so that on Linux it ends with the server's process, and has none of the server's descriptors: a vault that
 * leaves something running must not keep a client's connection open.
 */
#include "postgres.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

#include "miscadmin.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "base/settings.h"
#include "pseudonym/keycommand.h"
#include "pseudonym/keyprogram.h"

#define LONGEST_NAP_MS 50		/* between two looks whether it has ended */
#define DESCRIPTORS 4096		/* to close one by one, where it must be */

typedef struct Program
{
	const char *operation;
	pid_t		pid;			/* 0 = it has ended */
	int			output;			/* -1 = closed */
	TimestampTz until;
	char	   *answer;
	size_t		size;
} Program;

static void
close_descriptors(void)
{
#ifdef SYS_close_range
	if (syscall(SYS_close_range, 3U, ~0U, 0U) == 0)
		return;
#endif
	for (int fd = 3; fd < DESCRIPTORS; fd++)
		close(fd);
}

/* In the child: nothing of the server's but its environment and its stderr. */
static void
become_program(const char *line, int output)
{
	sigset_t	none;
	int			nothing = open("/dev/null", O_RDONLY);

	setpgid(0, 0);
#ifdef __linux__
	prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
	if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 ||
		dup2(output, STDOUT_FILENO) < 0)
		_exit(126);
	close_descriptors();
	for (int signal_number = 1; signal_number < NSIG; signal_number++)
		(void) signal(signal_number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execl("/bin/sh", "sh", "-c", line, (char *) NULL);
	_exit(127);
}

static bool
start(Program *program, const char *line, RetentionKeyProblem *problem)
{
	int			ends[2];
	sigset_t	all;
	sigset_t	saved;

	if (pipe(ends) != 0)
		return retention_keydir_fail(problem, ERRCODE_IO_ERROR, NULL,
									 "could not create a pipe to the key command");
	fcntl(ends[0], F_SETFD, FD_CLOEXEC);
	/* A handler of the server must not run in the child. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &saved);
	program->pid = fork();
	if (program->pid == 0)
		become_program(line, ends[1]);
	sigprocmask(SIG_SETMASK, &saved, NULL);
	close(ends[1]);
	if (program->pid < 0)
	{
		program->pid = 0;
		close(ends[0]);
		return retention_keydir_fail(problem, ERRCODE_INSUFFICIENT_RESOURCES, NULL,
									 "could not start the key command");
	}
	setpgid(program->pid, program->pid);
	program->output = ends[0];
	return true;
}

static void
close_output(Program *program)
{
	if (program->output >= 0)
		close(program->output);
	program->output = -1;
}

/* Also where the caller's statement or session ends: raises no error. */
static void
end(int code, Datum arg)
{
	Program    *program = (Program *) DatumGetPointer(arg);

	close_output(program);
	if (program->pid > 0)
	{
		kill(-program->pid, SIGKILL);
		kill(program->pid, SIGKILL);
		while (waitpid(program->pid, NULL, 0) < 0 && errno == EINTR)
			;
		program->pid = 0;
	}
	explicit_bzero(program->answer, program->size);
}

static bool
is_late(Program *program, RetentionKeyProblem *problem)
{
	if (GetCurrentTimestamp() < program->until)
		return false;
	(void) retention_keydir_fail(problem, ERRCODE_EXTERNAL_ROUTINE_EXCEPTION,
								 "The server's log may say more.",
								 "the key command did not end \"%s\" within %d seconds",
								 program->operation, RETENTION_KEYCOMMAND_TIMEOUT);
	return true;
}

/* Sleeps until there is something to read (or for so long); interrupts may end all. */
static void
wait_for(int fd, long ms)
{
	int			events = WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH;

	if (fd >= 0)
		(void) WaitLatchOrSocket(MyLatch, events | WL_SOCKET_READABLE, fd, ms,
								 PG_WAIT_EXTENSION);
	else
		(void) WaitLatch(MyLatch, events, ms, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

/* All that it writes, to the end. */
static bool
hear(Program *program, RetentionKeyProblem *problem)
{
	size_t		used = 0;

	fcntl(program->output, F_SETFL, O_NONBLOCK);
	for (;;)
	{
		ssize_t		got = read(program->output, program->answer + used,
							   program->size - 1 - used);

		if (got == 0)
			break;
		if (got > 0)
			used += got;
		else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
			return retention_keydir_fail(problem, ERRCODE_IO_ERROR, NULL,
										 "could not read what the key command writes");
		else if (is_late(program, problem))
			return false;
		else
			wait_for(program->output,
					 TimestampDifferenceMilliseconds(GetCurrentTimestamp(),
													 program->until) + 1);
		if (used == program->size - 1)
			return retention_keydir_fail(problem, ERRCODE_PROGRAM_LIMIT_EXCEEDED, NULL,
										 "the key command answers too much to \"%s\"",
										 program->operation);
	}
	program->answer[used] = '\0';
	close_output(program);
	return strlen(program->answer) == used ||
		retention_keydir_fail(problem, ERRCODE_DATA_CORRUPTED, NULL,
							  "the key command answers with zero bytes to \"%s\"",
							  program->operation);
}

/* Its end: the server keeps no handler for children's. */
static bool
await(Program *program, RetentionKeyProblem *problem)
{
	int			status = 0;
	pid_t		ended;

	for (long nap = 1; (ended = waitpid(program->pid, &status, WNOHANG)) <= 0;)
	{
		if (ended < 0 && errno != EINTR)
			return retention_keydir_fail(problem, ERRCODE_IO_ERROR, NULL,
										 "could not wait for the key command");
		if (is_late(program, problem))
			return false;
		wait_for(-1, nap);
		nap = Min(2 * nap, LONGEST_NAP_MS);
	}
	program->pid = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	(void) retention_keydir_fail(problem, ERRCODE_EXTERNAL_ROUTINE_EXCEPTION,
								 "The server's log may say more.",
								 "the key command failed at \"%s\"", program->operation);
	if (WIFEXITED(status))
		snprintf(problem->log_detail, sizeof(problem->log_detail),
				 "It ended with exit code %d.", WEXITSTATUS(status));
	else
		snprintf(problem->log_detail, sizeof(problem->log_detail),
				 "It was ended by signal %d.", WTERMSIG(status));
	return false;
}

bool
retention_keyprogram_run(const char *operation, const char *argument,
						 char *answer, size_t size, RetentionKeyProblem *problem)
{
	Program		program = {
		.operation = operation,
		.output = -1,
		.until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
											 RETENTION_KEYCOMMAND_TIMEOUT * 1000),
		.answer = answer,
		.size = size
	};
	char	   *line = psprintf("exec %s %s%s%s", retention_settings_key_command, operation,
								argument != NULL ? " " : "",
								argument != NULL ? argument : "");
	bool		good = false;

	/* Also where a statement is cancelled, or a session terminated. */
	PG_ENSURE_ERROR_CLEANUP(end, PointerGetDatum(&program));
	{
		good = start(&program, line, problem) && hear(&program, problem) &&
			await(&program, problem);
	}
	PG_END_ENSURE_ERROR_CLEANUP(end, PointerGetDatum(&program));
	if (!good)
		end(0, PointerGetDatum(&program));
	pfree(line);
	return good;
}
