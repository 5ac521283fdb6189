// Runs inside: calls a method for each input and writes what came back, one line of JSON each.
import java.io.PrintStream;
import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.WildcardType;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

class BloomeryCall {
    static String text;
    static int at;

    static char skip() {
        while (Character.isWhitespace(text.charAt(at))) at++;
        return text.charAt(at);
    }

    static Object read() {
        switch (skip()) {
            case '{': {
                Map<String, Object> found = new LinkedHashMap<>();
                at++;
                while (skip() != '}') {
                    if (text.charAt(at) == ',') { at++; continue; }
                    String key = (String) read();
                    skip();
                    at++;
                    found.put(key, read());
                }
                at++;
                return found;
            }
            case '[': {
                List<Object> found = new ArrayList<>();
                at++;
                while (skip() != ']') {
                    if (text.charAt(at) == ',') { at++; continue; }
                    found.add(read());
                }
                at++;
                return found;
            }
            case '"': return string();
            case 't': at += 4; return true;
            case 'f': at += 5; return false;
            case 'n': at += 4; return null;
            default: return number();
        }
    }

    static String string() {
        StringBuilder found = new StringBuilder();
        for (at++; text.charAt(at) != '"'; at++) {
            char c = text.charAt(at);
            if (c != '\\') { found.append(c); continue; }
            c = text.charAt(++at);
            int place = "nrtbf".indexOf(c);
            if (c == 'u') {
                found.append((char) Integer.parseInt(text.substring(at + 1, at + 5), 16));
                at += 4;
            } else found.append(place < 0 ? c : "\n\r\t\b\f".charAt(place));
        }
        at++;
        return found.toString();
    }

    static Object number() {
        int from = at;
        while (at < text.length() && "+-.eE0123456789".indexOf(text.charAt(at)) >= 0) at++;
        String found = text.substring(from, at);
        if (found.matches("-?[0-9]{1,18}")) return Long.parseLong(found);
        return found.matches("-?[0-9]+") ? new java.math.BigInteger(found) : (Object) Double.parseDouble(found);
    }

    static Object fit(Object value, Type type) {
        if (type instanceof WildcardType) return fit(value, ((WildcardType) type).getUpperBounds()[0]);
        Class<?> raw = raw(type);
        if (value instanceof List && raw.isArray()) return array((List<?>) value, raw.getComponentType());
        if (value instanceof List) {
            Collection<Object> found = raw.isAssignableFrom(ArrayList.class) ? new ArrayList<>()
                : raw.isAssignableFrom(java.util.LinkedHashSet.class) ? new java.util.LinkedHashSet<>()
                : new java.util.ArrayDeque<>();
            for (Object item : (List<?>) value) found.add(fit(item, part(type, 0)));
            return found;
        }
        if (value instanceof Map) {
            Map<Object, Object> found = new LinkedHashMap<>();
            ((Map<?, ?>) value).forEach((key, item) -> found.put(key, fit(item, part(type, 1))));
            return found;
        }
        if (value instanceof Number) return number((Number) value, raw);
        if (value instanceof String && (raw == char.class || raw == Character.class)) {
            return ((String) value).charAt(0);
        }
        return value;
    }

    static Class<?> raw(Type type) {
        if (type instanceof Class) return (Class<?>) type;
        if (type instanceof ParameterizedType) return (Class<?>) ((ParameterizedType) type).getRawType();
        return Object.class;
    }

    static Type part(Type type, int place) {
        if (!(type instanceof ParameterizedType)) return Object.class;
        return ((ParameterizedType) type).getActualTypeArguments()[place];
    }

    static Object array(List<?> values, Class<?> type) {
        Object found = Array.newInstance(type, values.size());
        for (int i = 0; i < values.size(); i++) Array.set(found, i, fit(values.get(i), type));
        return found;
    }

    static Object number(Number value, Class<?> type) {
        if (type == double.class || type == Double.class) return value.doubleValue();
        if (type == float.class || type == Float.class) return value.floatValue();
        if (type == long.class || type == Long.class) return exact(value);
        if (type == java.math.BigInteger.class) return new java.math.BigInteger(value.toString());
        if (value instanceof Double) {
            if (type == Object.class || type == Number.class) return value;
            throw new IllegalArgumentException("a fraction for a " + type.getName());
        }
        long whole = exact(value);
        if (type == short.class || type == Short.class) return (short) whole;
        if (type == byte.class || type == Byte.class) return (byte) whole;
        if ((type == Object.class || type == Number.class) && whole != (int) whole) return whole;
        return Math.toIntExact(whole);
    }

    static long exact(Number value) {
        if (value instanceof Double) throw new IllegalArgumentException("a fraction for a whole number");
        return new java.math.BigInteger(value.toString()).longValueExact();
    }

    static String plain(Object value) {
        if (value instanceof java.util.Optional) value = ((java.util.Optional<?>) value).orElse(null);
        if (value == null || value instanceof Boolean) return String.valueOf(value);
        if (value instanceof String || value instanceof Character) return quoted(value.toString());
        if (value instanceof Double || value instanceof Float) {
            double number = ((Number) value).doubleValue();
            if (Double.isNaN(number) || Double.isInfinite(number)) throw new IllegalArgumentException("" + number);
            return value.toString();
        }
        if (value instanceof Number) return value.toString();
        List<String> parts = new ArrayList<>();
        if (value instanceof Map) {
            ((Map<?, ?>) value).forEach((k, item) -> parts.add(quoted(String.valueOf(k)) + ":" + plain(item)));
            return "{" + String.join(",", parts) + "}";
        }
        if (value instanceof List) {
            for (Object item : (List<?>) value) parts.add(plain(item));
        } else if (value.getClass().isArray()) {
            for (int i = 0; i < Array.getLength(value); i++) parts.add(plain(Array.get(value, i)));
        } else throw new IllegalArgumentException("a " + value.getClass().getName() + " is no JSON value");
        return "[" + String.join(",", parts) + "]";
    }

    static String quoted(String value) {
        StringBuilder found = new StringBuilder("\"");
        for (char c : value.toCharArray()) {
            if (c == '"' || c == '\\') found.append('\\').append(c);
            else if (c < ' ' || c > '~') found.append(String.format("\\u%04x", (int) c));
            else found.append(c);
        }
        return found.append('"').toString();
    }

    static String said(Throwable error) {
        Throwable inner = error instanceof InvocationTargetException ? error.getCause() : error;
        String words = inner.getClass().getSimpleName() + ": " + inner.getMessage();
        return words.length() > 500 ? words.substring(0, 500) : words;
    }

    static Method find(String name, int count, String[] classes) throws Exception {
        for (String one : classes) {
            for (Method method : Class.forName(one).getDeclaredMethods()) {
                if (method.getName().equals(name) && !method.isSynthetic()
                    && (count < 0 || method.getParameterCount() == count)) return method;
            }
        }
        throw new NoSuchMethodException(name + " with " + count + " arguments");
    }

    static Object call(Method method, List<?> values) throws Exception {
        method.setAccessible(true);
        Type[] types = method.getGenericParameterTypes();
        Object[] arguments = new Object[types.length];
        for (int i = 0; i < types.length; i++) arguments[i] = fit(values.get(i), types[i]);
        Object self = null;
        if (!Modifier.isStatic(method.getModifiers())) {
            Constructor<?> made = method.getDeclaringClass().getDeclaredConstructor();
            made.setAccessible(true);
            self = made.newInstance();
        }
        return method.invoke(self, arguments);
    }

    static void tell(PrintStream answers, String place, String state, String value) {
        answers.println("[" + place + ",\"" + state + "\"," + value + "]");
        answers.flush();
    }

    public static void main(String[] classes) throws Exception {
        text = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
        PrintStream answers = System.out;
        System.setOut(System.err);
        Map<?, ?> given = (Map<?, ?>) read();
        List<?> calls = (List<?>) given.get("calls");
        Method method;
        try {
            int count = calls.isEmpty() ? -1 : ((List<?>) calls.get(0)).size();
            method = find((String) given.get("function"), count, classes);
        } catch (Throwable error) { // edge: the sandbox, inside
            answers.println("[\"unloaded\"," + quoted(said(error)) + "]");
            return;
        }
        answers.println("[\"loaded\",\"\"]");
        for (int i = 0; i < calls.size(); i++) {
            try {
                tell(answers, "" + i, "returned", plain(call(method, (List<?>) calls.get(i))));
            } catch (Throwable error) { // edge: the sandbox, inside; what the program raises is its answer
                tell(answers, "" + i, "raised", quoted(said(error)));
            }
        }
        Runtime.getRuntime().halt(0);
    }
}
