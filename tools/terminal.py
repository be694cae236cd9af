"""Programs on a pseudo-terminal, for tests of what is shown there and nowhere else."""
import os, pty, re, subprocess, threading


class on_terminal:
    """Runs `words` with stderr on a terminal, and stdout there, too, or in a pipe; stdin is `stdin`, or a pipe if it is PIPE.

    with on_terminal([...], env=...) as run: run.process.stdin.write(...); run.all() waits for the end
    """

    def __init__(self, words, stdout=False, **more):
        self.master, slave = pty.openpty()
        more.setdefault("stdin", subprocess.DEVNULL)
        self.process = subprocess.Popen(words, stdout=slave if stdout else subprocess.PIPE, stderr=slave, **more)
        os.close(slave)
        self.bytes = b""
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        try:
            while chunk := os.read(self.master, 65536):
                self.bytes += chunk
        except OSError:  # nobody has the other end any more
            pass

    def all(self):
        """What was written to the terminal, and to stdout where that is a pipe."""
        out = self.process.stdout.read().decode() if self.process.stdout else ""
        self.process.wait(timeout=60)
        self.reader.join(timeout=60)
        return self.bytes.decode() + out

    def screen(self):
        """The lines that are left when all is done."""
        self.all()
        lines, column = [""], 0
        for part in re.findall(r"\x1b\[\d*K|\x1b\[[\d;]*m|\r|\n|[^\x1b\r\n]+", self.bytes.decode()):
            if part == "\n":
                lines.append("")
                column = 0
            elif part == "\r":
                column = 0
            elif part.endswith("K"):
                lines[-1] = lines[-1][:column]
            elif not part.startswith("\x1b"):
                lines[-1] = lines[-1][:column] + part + lines[-1][column + len(part):]
                column += len(part)
        return lines

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join(timeout=60)
        os.close(self.master)
        for stream in (self.process.stdin, self.process.stdout):
            if stream:
                stream.close()
