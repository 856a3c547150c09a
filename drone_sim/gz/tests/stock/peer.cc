// A client of Gazebo's own transport: answers on /sum with size and sum of the images on /image, publishes an image on
// /peer/image, and offers /peer/shout. What comes to /peer/keep, which replies to nobody, goes on to /ours/keep, which neither
// does. Ends after the number of seconds it is told.
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <thread>
#include <ignition/msgs.hh>
#include <ignition/transport.hh>

int main(int argc, char **argv) {
  ignition::transport::Node node;
  auto sums = node.Advertise<ignition::msgs::StringMsg>("/sum");
  std::function<void(const ignition::msgs::Image &)> onImage = [&](const ignition::msgs::Image &image) {
    uint64_t sum = 0;
    for (unsigned char c : image.data()) sum += c;
    ignition::msgs::StringMsg out;
    out.set_data(std::to_string(image.width()) + "x" + std::to_string(image.height()) + " " +
                 std::to_string(image.data().size()) + " " + std::to_string(sum));
    sums.Publish(out);
  };
  node.Subscribe("/image", onImage);
  std::function<bool(const ignition::msgs::StringMsg &, ignition::msgs::StringMsg &)> shout =
      [](const ignition::msgs::StringMsg &in, ignition::msgs::StringMsg &out) {
        out.set_data(in.data() + "!");
        return !in.data().empty();
      };
  node.Advertise("/peer/shout", shout);
  std::function<void(const ignition::msgs::StringMsg &)> keep = [&](const ignition::msgs::StringMsg &in) {
    node.Request("/ours/keep", in);
  };
  node.Advertise("/peer/keep", keep);
  auto images = node.Advertise<ignition::msgs::Image>("/peer/image");
  ignition::msgs::Image image;
  image.set_width(640);
  image.set_height(480);
  image.set_step(1920);
  image.set_pixel_format_type(ignition::msgs::PixelFormatType::RGB_INT8);
  std::string data(640 * 480 * 3, '\0');
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i * 7);
  image.set_data(data);
  const int ticks = (argc > 1 ? std::atoi(argv[1]) : 10) * 20;
  for (int i = 0; i < ticks; ++i) {
    images.Publish(image);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return 0;
}
