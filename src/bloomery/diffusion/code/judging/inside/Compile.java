// Runs inside: compiles each folder's Program.java by itself, in one process, and tells how far it came.
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import com.sun.source.util.JavacTask;

class Compile {
    static class Text extends SimpleJavaFileObject {
        final String text;

        Text(String text) {
            super(URI.create("string:///Program.java"), Kind.SOURCE);
            this.text = text;
        }

        @Override
        public CharSequence getCharContent(boolean ignoreErrors) {
            return text;
        }

        @Override
        public boolean isNameCompatible(String name, Kind kind) {
            return true; // a public class may have any name
        }
    }

    static String errors(DiagnosticCollector<JavaFileObject> found) {
        return found.getDiagnostics().stream()
            .filter(one -> one.getKind() == Diagnostic.Kind.ERROR)
            .map(one -> one.getLineNumber() + ": " + one.getMessage(null).replace('\n', ' ').replace('\t', ' '))
            .limit(3).collect(Collectors.joining("; "));
    }

    static String[] compile(JavaCompiler compiler, Path folder) throws Exception {
        DiagnosticCollector<JavaFileObject> found = new DiagnosticCollector<>();
        Path out = Files.createDirectories(folder.resolve("out"));
        var files = compiler.getStandardFileManager(found, null, null);
        var text = new Text(Files.readString(folder.resolve("Program.java")));
        List<String> options = List.of("-d", out.toString(), "-proc:none", "-nowarn", "-Xlint:none");
        var task = (JavacTask) compiler.getTask(null, files, found, options, null, List.of(text));
        task.parse();
        if (!errors(found).isEmpty()) return new String[] {"unparsed", errors(found)};
        task.analyze();
        if (errors(found).isEmpty()) task.generate();
        if (!errors(found).isEmpty()) return new String[] {"untyped", errors(found)};
        return new String[] {"compiled", ""};
    }

    public static void main(String[] folders) throws Exception {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        for (String folder : folders) {
            String[] state;
            try {
                state = compile(compiler, Path.of(folder));
            } catch (Throwable error) { // the compiler's own limits (a text nested too deep) are answers too
                state = new String[] {"unparsed", error.getClass().getSimpleName()};
            }
            System.out.println(folder + "\t" + state[0] + "\t" + state[1]);
        }
    }
}
